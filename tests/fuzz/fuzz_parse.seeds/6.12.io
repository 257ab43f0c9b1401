rchar: 4194305
wchar: 4194305
syscr: 66
syscw: 65
read_bytes: 0
write_bytes: 4194304
cancelled_write_bytes: 0
