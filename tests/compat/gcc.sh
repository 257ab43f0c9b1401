# shellcheck shell=bash
# SPDX-License-Identifier: ISC
# GCC and make: this project's tree, large C++ of the standard headers, and what it says of errors.
# packages: gcc g++ make binutils libzstd-dev libsystemd-dev pkg-config
# timeout: 900
# shellcheck disable=SC2016 # what is quoted is for the inner shells

compat_version() { gcc --version | head -n 1; }

said() { case_of "$1" timeout --foreground 120 bash -c "$2"; }

compat_setup() {
	mkdir tree && cp -r "$COMPAT_SRC"/{Makefile,.ci,core,collector,preload,tools} tree &&
		# All that the standard library has, used a little.
		{
			printf '#include <%s>\n' bits/stdc++.h bits/extc++.h
			echo 'int main() { std::regex r("a+(b|c)*d"); std::map<std::string, std::vector<std::function<int(int)>>> m;'
			for i in {1..150}; do
				echo "m[\"$i\"].push_back([](int x) { std::set<std::array<int, $i>> s; std::unordered_map<std::string, std::tuple<int, std::bitset<$i>>> u; return x + $i + (int)s.size() + (int)u.size(); });"
			done
			echo 'int n = 0; for (auto &[k, v] : m) for (auto &f : v) n += f(k.size());'
			echo 'std::cout << n << std::regex_match("aabcd", r) << std::endl; }'
		} >large.cc
}

compat_quick() {
	cp -r "$COMPAT_SETUP/tree" .
	said "a program" 'cd tree && gcc -O2 -I. -D_GNU_SOURCE -c core/wire.c -o w.o && md5sum <w.o && gcc -S -O2 -I. -o - core/field.c | md5sum'
	said "an error" 'echo "int main( { return x; }" >e.c; gcc e.c; echo $?'
	said "a link error" 'echo "int f(void); int main(void) { return f(); }" >l.c; gcc l.c -o l 2>&1 | sed "s|/tmp/[^ :]*||g"; echo ${PIPESTATUS[0]}'
	said "a warning" 'echo "#include <stdio.h>
int main(void) { printf(\"%s\", 1); }" >w.c; gcc -Wall -c w.c; echo $?'
	said "pipes" 'cd tree && gcc -pipe -O2 -g -I. -D_GNU_SOURCE -c core/parse.c -o - 2>/dev/null | wc -c; gcc -pipe -O2 -g -I. -D_GNU_SOURCE -c core/parse.c -o p.o && md5sum <p.o'
	said "preprocessor" 'echo "#include <stdlib.h>" | gcc -E -P -xc - | md5sum'
}

compat_cases() {
	compat_quick
	said "this project" 'cd tree && make -s -j2 all >log 2>&1; echo $?; find build -name "*.o" | sort | xargs md5sum; md5sum build/lib/libmstat.so build/bin/mstat'
	said "once more: nothing to do" 'cd tree && make -s -j2 all; echo $?; make -n install DESTDIR=/nowhere PREFIX=/p | md5sum'
	said "large C++" 'g++ -std=c++17 -O1 -c "$COMPAT_SETUP/large.cc" -o large.o && md5sum <large.o && g++ large.o -o large && ./large'
	said "link-time optimization" 'cd tree && gcc -flto=2 -O2 -I. -D_GNU_SOURCE -r -o lto.o core/*.c -flinker-output=nolto-rel 2>&1 | sed "s|/tmp/[^ :]*||g"; nm lto.o | awk "{ print \$2, \$3 }" | sed "s/\.lto_priv.*//" | sort | md5sum'
	said "sanitizer of undefined behaviour" 'printf "%s\n" "#include <limits.h>" "int main(int c, char **v) { return INT_MAX + c == 0; }" >u.c; gcc -fsanitize=undefined u.c -o u && ./u; echo $?'
	said "threads sanitizer" 'printf "%s\n" "#include <pthread.h>" "int x; void *f(void *a) { x++; return a; }" "int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); return x - 1; }" >t.c; gcc -fsanitize=thread t.c -o t -pthread && ./t; echo $?'
	said "profile" 'printf "%s\n" "int main(void) { int s = 0; for (int i = 0; i < 1000; i++) s += i % 3; return s == 0; }" >g.c; gcc --coverage g.c -o g && ./g; echo $?; gcov -t g-g.c | grep -v "Runs\|Source" | md5sum'
	said "a tree built by make -j" 'mkdir j && cd j && { echo "all: $(seq -f f%g.o -s " " 60)"; echo "%.o: ; @echo \"int x\$*(int a) { return a + 1; }\" >\$*.c; \$(CC) -O2 -c -o \$@ \$*.c"; } >Makefile && make -s -j4; echo $?; cat $(ls *.o | sort) | md5sum'
}
