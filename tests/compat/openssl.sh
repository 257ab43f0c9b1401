# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# OpenSSL: digests, ciphers, certificates, a server and a client, speed.
# packages: openssl
# timeout: 300
# shellcheck disable=SC2016 # what is quoted is for the inner shells

compat_version() { openssl version; }

said() { case_of "$1" timeout --foreground 120 bash -c "$2"; }

# The keys are made once: they are random.
compat_setup() {
	openssl genrsa -out rsa.pem 2048 && openssl ecparam -name prime256v1 -genkey -noout -out ec.pem &&
		openssl genpkey -algorithm ed25519 -out ed.pem && openssl dhparam -dsaparam -out dh.pem 1024 &&
		seq 300000 >data
} 2>/dev/null

compat_quick() {
	cd "$COMPAT_RUN" && cp "$COMPAT_SETUP"/* . || return
	local what
	for what in md5 sha1 sha256 sha512 sha3-256 blake2b512 sm3; do case_of "dgst $what" openssl dgst "-$what" data; done
	case_of "hmac" openssl dgst -sha256 -hmac key data
	for what in aes-128-cbc aes-256-ctr aes-256-cbc camellia-256-cbc chacha20 des-ede3-cbc; do
		said "enc $what" "openssl enc -$what -pbkdf2 -S 0102030405060708 -k secret -in data | tee e.$what | md5sum; openssl enc -d -$what -pbkdf2 -S 0102030405060708 -k secret -in e.$what | cmp - data; openssl enc -d -$what -pbkdf2 -S 0102030405060708 -k wrong -in e.$what 2>/dev/null | cmp -s - data; echo \$?"
	done
	said "base64" 'openssl base64 -in data | tee b | md5sum; openssl base64 -d -in b | cmp - data'
	said "sign with RSA" 'openssl dgst -sha256 -sign rsa.pem -out s data && md5sum <s && openssl rsa -in rsa.pem -pubout -out p 2>/dev/null && openssl dgst -sha256 -verify p -signature s data; echo x >>s; openssl dgst -sha256 -verify p -signature s data 2>/dev/null; echo $?'
	said "sign with ECDSA" 'openssl dgst -sha256 -sign ec.pem -out s data && openssl ec -in ec.pem -pubout -out p 2>/dev/null && openssl dgst -sha256 -verify p -signature s data'
	said "sign with Ed25519" 'openssl pkeyutl -sign -rawin -inkey ed.pem -in b -out s; openssl pkey -in ed.pem -pubout -out p; openssl pkeyutl -verify -rawin -pubin -inkey p -in b -sigfile s; md5sum <s'
	said "a certificate" 'openssl req -new -x509 -key rsa.pem -subj /CN=localhost -days 3650 -set_serial 7 -out c.pem && openssl verify -CAfile c.pem c.pem && openssl x509 -in c.pem -noout -subject -serial -purpose'
	said "a request" 'openssl req -new -key ed.pem -subj /CN=a/O=b -out r && openssl req -in r -noout -text | md5sum; openssl req -in r -noout -verify'
	said "pkcs12, pkcs8" 'openssl pkcs12 -export -inkey rsa.pem -in c.pem -passout pass:x -out p12 && openssl pkcs12 -in p12 -passin pass:x -nodes 2>/dev/null | openssl rsa 2>/dev/null | cmp - rsa.pem; openssl pkcs8 -topk8 -nocrypt -in ec.pem | md5sum'
	said "cms" 'openssl cms -encrypt -in b -out m -outform DER c.pem && openssl cms -decrypt -in m -inform DER -inkey rsa.pem -recip c.pem | tr -d "\r" | md5sum'
	said "kdf, prime, rand" 'openssl kdf -keylen 16 -kdfopt digest:SHA256 -kdfopt key:s -kdfopt salt:t -kdfopt info:l HKDF; openssl prime 1000003; openssl rand 100 | wc -c'
	said "server and client" 'openssl s_server -quiet -accept 127.0.0.1:18443 -key rsa.pem -cert c.pem -naccept 2 -rev >/dev/null 2>&1 & until (exec 3<>/dev/tcp/127.0.0.1/18443) 2>/dev/null; do sleep 0.02; done; mkfifo i; openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:18443 -CAfile c.pem -verify_return_error <i >o 2>/dev/null & exec 4>i; echo hello >&4; until grep -q olleh o; do sleep 0.02; done; exec 4>&-; cat o; wait; echo $?'
	said "errors" 'openssl such; echo $?; openssl x509 -in rsa.pem 2>&1 | head -n 1; openssl dgst -nothing data >/dev/null 2>&1; echo $?'
}

compat_cases() {
	compat_quick
	said "genrsa" 'openssl genrsa 2048 | openssl rsa -check -noout; openssl genpkey -algorithm X448 | wc -l'
	said "speed" 'openssl speed -seconds 1 sha256 aes-128-cbc rsa2048 >/dev/null 2>&1; echo $?'
	said "speed of an algorithm" 'openssl speed -seconds 1 -evp aes-256-gcm >/dev/null 2>&1; echo $?'
	said "speed in processes" 'openssl speed -seconds 1 -multi 2 sha512 >/dev/null 2>&1; echo $?'
}
