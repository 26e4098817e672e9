# SPDX-License-Identifier: MIT
# A thin front: everything real is in meson.build. `make help` lists the targets.
BUILD ?= build
MODEL ?= models/tinyqwen3-Q8_0.gguf
BACKEND ?= auto
N ?= 120
PROMPT ?= Once upon a time
MESON_FLAGS ?=

.DEFAULT_GOAL := all
.PHONY: all bootstrap configure run check bench soak asan clean help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap:
	@tools/bootstrap

configure: bootstrap
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) $(MESON_FLAGS) >$(BUILD).log 2>&1 || \
		{ cat $(BUILD).log; exit 1; }

all: configure ## build everything
	@ninja -C $(BUILD) --quiet

run: configure ## a story from the simulated chip
	@ninja -C $(BUILD) --quiet tools/accel-run compiler/accelc
	@tests/story $(BUILD) $(MODEL) $(BACKEND) $(N) "$(PROMPT)"

check: all ## every test that needs neither GPU nor KVM
	@python3 tests/check.py $(BUILD)

bench: all ## figures of README.md and docs/accuracy.md
	@tests/bench.sh $(BUILD)

soak: configure ## the slow tests
	@meson configure $(BUILD) -Dsoak=true
	@ninja -C $(BUILD) --quiet
	@python3 tests/check.py $(BUILD) --suite soak

asan: ## the tests under ASan and UBSan (without the Verilated chip)
	@$(MAKE) --no-print-directory check BUILD=$(BUILD)-asan \
		MESON_FLAGS="-Db_sanitize=address,undefined -Db_lundef=false -Dsim=disabled $(MESON_FLAGS)"

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD).log $(BUILD)-asan.log
