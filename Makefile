# SPDX-License-Identifier: GPL-2.0-only
#
#	make			module for the running kernel (or KDIR=...), userspace
#	make install		both, into this system (PREFIX=, DESTDIR=)
#	make check		every test, in a guest, on both Debian kernels, and some
#				on one that looks for errors
#				(KERNEL=6.1|6.12|debug|kcsan, TEST="name name:case ...")
#	make check DEBUG=1	every test on a kernel that looks for errors in memory,
#				locks and leaks, and for races
#	make check-full		all of that, the long tests, the fuzzers, coverage
#	make coverage		which lines of the module no test reaches (TEST="dtls_*")
#	make check-webrtc	WebRTC: Chromium against userspace/examples/webrtc in a guest
#	make lint		the checks of the sources
#	make fuzz		the fuzzers of the pure parts (SECONDS=60 each); clang
#	make bench		what a record costs, by kdtls and by others (KERNEL=;
#				HERE=1: speed of this machine, with the module loaded)
#	make bench-check	against the baseline and the budgets (BASELINE=write)
#	make profile		which functions a record spends that in (KERNEL=, SIDE=,
#				CIPHER=, SIZE=)
#	make bench-webrtc	what a message of a data channel costs a server, with 1,000 of them
#	make demo		a file crosses a network (FILE=..., KERNEL=6.12)
#	make guest		a command in the guest (KERNEL=, CMD=...)
#
# The module's own makefile is Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
DESTDIR ?=
vm := selftests/vm
bench_packages := wireguard-tools python3-matplotlib

userspace := $(wildcard userspace/Makefile)

all: module $(if $(userspace),userspace)

module:
	@test -d $(KDIR) || { echo "No kernel headers in $(KDIR): install the" \
		"linux-headers package of the running kernel, or give KDIR=..." >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

userspace:
	$(MAKE) -C userspace

install: module-install $(if $(userspace),userspace-install)

module-install: module
	$(MAKE) -C $(KDIR) M=$(CURDIR) $(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install
	@# Into a package's folder there is nothing to index.
	$(if $(DESTDIR),,depmod -a)

userspace-install: userspace
	$(MAKE) -C userspace install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)
	$(if $(DESTDIR),,ldconfig)

check:
	@$(vm)/deps.sh
	@python3 $(vm)/check.py

check-full:
	@$(if $(SECONDS),FUZZ_SECONDS=$(SECONDS)) $(vm)/check-full.sh

# One kernel, but as many guests as it takes: coverage.py adds them up.
coverage:
	@$(vm)/deps.sh
	@rm -rf build/coverage
	@GCOV=1 DEBUG=1 KERNEL=debug TEST='$(if $(TEST),$(TEST),dtls_*)' \
		python3 $(vm)/check.py; rc=$$?; $(vm)/coverage.py && exit $$rc

check-webrtc:
	@selftests/webrtc/run.sh

lint:
	@$(vm)/deps.sh
	@selftests/lint.sh

fuzz:
	@$(vm)/deps.sh clang libclang-rt-dev
	@selftests/fuzz/run.sh $(if $(SECONDS),$(SECONDS),60)

bench:
	@$(vm)/deps.sh $(bench_packages)
	@/usr/bin/python3 selftests/bench/bench.py

bench-check:
	@$(vm)/deps.sh $(bench_packages)
	@/usr/bin/python3 selftests/bench/bench.py $(if $(filter write,$(BASELINE)),baseline,check)

profile:
	@$(vm)/deps.sh $(bench_packages)
	@/usr/bin/python3 selftests/bench/profile/profile.py

bench-webrtc:
	@$(vm)/deps.sh libusrsctp-dev libsrtp2-dev
	@ICOUNT=1 MEM=4G $(vm)/with-module.sh -t 1800 selftests/webrtc/load.sh

demo:
	@$(vm)/with-module.sh selftests/demo.sh

guest:
	@$(vm)/with-module.sh bash -c '. $(vm)/guest-lib.sh && load_dtls && eval "$$1"' sh '$(subst ','\'',$(CMD))'

clean:
	rm -rf build
	-@test ! -d $(KDIR) || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	$(if $(userspace),-$(MAKE) -C userspace clean)

export KERNEL DEBUG TEST FILE V HERE

.PHONY: all module userspace install module-install userspace-install
.PHONY: check check-full coverage lint fuzz bench bench-check profile demo guest clean check-webrtc bench-webrtc
