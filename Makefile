# SPDX-License-Identifier: MIT
# A thin front: everything real is in meson.build. `make help` lists the targets.
BUILD ?= build
MODEL ?= models/tinyqwen3-Q8_0.gguf
BACKEND ?= auto
N ?= 120
PROMPT ?= Once upon a time
MESON_FLAGS ?=

.DEFAULT_GOAL := all
.PHONY: all install bootstrap bootstrap-test configure run check check-all deb bench soak asan clean help vm vm-build vm-test vm-lint vm-debug vm-soak kunit uml-test

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap:
	@tools/bootstrap

bootstrap-test:
	@tools/bootstrap test || echo "Going on; tests that need them are skipped." >&2

configure: bootstrap
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) $(MESON_FLAGS) >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; exit 1; }

all: configure ## build everything
	@ninja -C $(BUILD) --quiet

run: configure ## a story from the simulated chip
	@test -x $(BUILD)/tools/accel-run || \
		echo "Building the chip, its firmware and its software: a few minutes, once." >&2
	@ninja -C $(BUILD) --quiet tools/accel-run compiler/accelc
	@tests/story $(BUILD) $(MODEL) $(BACKEND) $(N) "$(PROMPT)"

check: bootstrap-test all ## every test that needs neither GPU nor KVM
	@python3 tests/check.py $(BUILD)

check-all: bootstrap-test vm-build all ## also the driver's: KUnit, lint, DKMS, both kernels in QEMU (4 GB in .cache, once)
	@python3 tests/check.py $(BUILD) --all

bench: all ## figures of README.md and docs/accuracy.md
	@tests/bench.sh $(BUILD)

soak: ## the slow tests, in a build folder of their own; then vm-debug and vm-soak
	@$(MAKE) --no-print-directory all BUILD=$(BUILD)-soak MESON_FLAGS="-Dsoak=true $(MESON_FLAGS)"
	@python3 tests/check.py $(BUILD)-soak --suite soak
	@$(MAKE) --no-print-directory vm-debug
	@$(MAKE) --no-print-directory vm-soak

install: all ## programs, library, manual pages, firmware, udev rule (DESTDIR=)
	@meson install -C $(BUILD) --no-rebuild --quiet

deb: ## the driver's sources as a DKMS package, in BUILD
	@packaging/dkms-deb $(BUILD)

asan: ## the tests under ASan and UBSan (without the Verilated chip)
	@$(MAKE) --no-print-directory check BUILD=$(BUILD)-asan \
		MESON_FLAGS="-Db_sanitize=address,undefined -Db_lundef=false -Dsim=disabled $(MESON_FLAGS)"

vm: vm-build ## a stock kernel with intaglio.ko in QEMU: the same story through /dev/accel/accel0
	@tests/vm/shell $(BUILD) $(MODEL) $(N) "$(PROMPT)"

vm-build: configure
	@tools/bootstrap vm
	@tests/vm/root >/dev/null
	@ninja -C $(BUILD) --quiet tools/accel-run compiler/accelc vm-programs

vm-test: vm-build ## the guest's tests on both kernels
	@tests/vm/suite $(BUILD) $(MODEL)

vm-lint: ## checkpatch, kernel-doc, sparse and W=1 over driver/ and uapi/
	@tests/vm/lint

vm-debug: vm-build ## the guest's tests under KASAN, lockdep, kmemleak and others
	@tests/vm/suite $(BUILD) $(MODEL) --debug

vm-soak: vm-build ## a million random ioctls on that kernel
	@tests/vm/suite $(BUILD) $(MODEL) --debug --append FUZZ_ITERATIONS=1000000 --scale 4 fuzz leaks

kunit: configure ## the driver's KUnit tests in user-mode Linux, with lockdep
	@tools/bootstrap vm
	@python3 tests/check.py $(BUILD) kunit --suite kernel

uml-test: vm-build ## the guest's tests in user-mode Linux, with lockdep: seconds each, minutes in all
	@RUN=tests/kunit/uml-boot tests/vm/suite $(BUILD) $(MODEL)

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-soak $(BUILD).log $(BUILD)-asan.log $(BUILD)-soak.log
