# The front door: `make help` lists what it does. CMake builds; this file only calls.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# BUILD is the build directory, MESOS_ROOT an installed Mesos (none: the slice of its
# module API in tests/mesosapi), MESOS_SOURCE a source tree to make its headers from,
# MESOS_TREE its name where it is a fork, BUILD_TYPE a CMake build type. With DEVELOPER=ON
# warnings are errors, and no test is left out.
BUILD ?= build
MESOS_ROOT ?=
MESOS_SOURCE ?=
MESOS_TREE ?=
BUILD_TYPE ?= RelWithDebInfo
DEVELOPER ?= OFF

CONFIGURE := -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=$(BUILD_TYPE) -DSLUICE_DEVELOPER=$(DEVELOPER) \
  -DMESOS_ROOT=$(MESOS_ROOT) -DMESOS_SOURCE=$(MESOS_SOURCE) -DMESOS_TREE=$(MESOS_TREE)

FUZZTIME ?= 30s
SOAK ?= 15m
CHAOS ?= 30m
# Flags of the benchmark, e.g. BENCH='-only=b,c -loggers=sluice,s6-log'.
BENCH ?=

# Flags of the attacks on neighbours, e.g. ATTACKS='-planted=1000 -only=none'.
ATTACKS ?=

# Flags of the measurement of times, e.g. TIMES='-kills=100'.
TIMES ?=

PREFIX ?= /usr/local

.PHONY: help deps configure build standards sdk sdk-test install package package-test demo test bench bench-quick budget attacks soak chaos times sanitize fuzz lint man generate clean

help: ## list the targets
	@echo "usage: make TARGET [BUILD=dir] [MESOS_ROOT=dir] [MESOS_SOURCE=dir] [BUILD_TYPE=type]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing, saying which
	@.ci/packages build test

configure:
	@.ci/packages --check product $(if $(MESOS_ROOT),,slice)
	@printf '%s\n' '$(CONFIGURE)' | cmp --quiet - $(BUILD)/.configured \
	  || { cmake $(CONFIGURE) && printf '%s\n' '$(CONFIGURE)' > $(BUILD)/.configured; }

build: configure ## build the library, the command and the harness; nothing is run
	@cmake --build $(BUILD)

standards: configure ## compile the module alone in C++11, 14 and 17, against MESOS_ROOT's headers or the slice's
	@cmake --build $(BUILD) --target standards

install: build ## install below PREFIX (/usr/local); DESTDIR is put before it
	@DESTDIR='$(DESTDIR)' cmake --install $(BUILD) --prefix '$(PREFIX)' --strip

package: configure ## make a .deb, and a .rpm where rpmbuild is, in BUILD/packages
	@.ci/packages --check package
	@cmake --build $(BUILD) --target products
	@rm -f $(BUILD)/packages/*.deb $(BUILD)/packages/*.rpm
	@cpack --config $(BUILD)/CPackConfig.cmake -B $(BUILD)/packages -G 'DEB$(if $(shell command -v rpmbuild),;RPM)'
	@rm -rf $(BUILD)/packages/_CPack_Packages

sdk: configure ## pack the prebuilt core with the module's sources, for old systems, in BUILD/packages
	@rm -rf $(BUILD)/packages/sluice-sdk-*
	@cmake --build $(BUILD) --target sdk

sdk-test: build sdk ## build the library from the sdk, without Go and in C++11, and load it
	@tests/sdk/run $(BUILD)

package-test: build package ## look into the packages; install, use and remove them on a copy of this machine
	@.ci/packages --check package-test
	@tests/packages/run $(BUILD)

demo: deps build ## show the logger at work: rotated sandboxes, checked byte for byte
	@tests/demo/run $(BUILD)

test: deps build ## every test: Go with the race detector, C++, end to end
	@scripts/test $(BUILD)

bench: deps build ## measure sluice against other loggers, most of an hour; writes docs/benchmarks.md
	@.ci/packages bench
	@cd tests/bench && go run . -build='$(abspath $(BUILD))' -docs='$(CURDIR)/docs' $(BENCH)

bench-quick: deps build ## the same for a look, in under two minutes; prints the tables
	@.ci/packages bench
	@cd tests/bench && go run . -quick -build='$(abspath $(BUILD))' $(BENCH)

budget: deps build ## let 200 containers overrun a small disk, as root; redraws docs/limits
	@SLUICE_BUDGET='$(CURDIR)/docs/limits/budget.json' SLUICE_BUILD='$(abspath $(BUILD))' \
	  go test -count=1 -timeout 15m -v -run 'TestBudget$$' ./tests/e2e/budget
	@cd tests/bench && go run ./budget ../../docs/limits/budget.json ../../docs/limits/budget.svg

attacks: ## what hostile containers cost their neighbours, as root, half an hour; prints the table of docs/neighbours.md
	@go run ./tests/attacks $(ATTACKS)

times: ## how right the times of lines are: containers print their clock, also across kills of the owner; prints a table
	@go run ./tests/times $(TIMES)

soak: deps build ## load, kills, faults and fork storms for SOAK (15m), beside the harness; leaves a plot in BUILD/soak
	@mkdir -p $(BUILD)/soak
	@go build -tags sluice_faults -o $(BUILD)/soak/soak ./tests/soak
	@$(BUILD)/soak/soak -build='$(BUILD)' -duration='$(SOAK)'

chaos: ## hostile containers under ten policies for CHAOS (30m), the owner killed every 5 s, as root
	@mkdir -p $(BUILD)/chaos
	@go build -o $(BUILD)/chaos/chaos ./tests/chaos
	@$(BUILD)/chaos/chaos -out='$(BUILD)/chaos' -duration='$(CHAOS)'

sanitize: deps ## the C and C++ tests under AddressSanitizer, then with the race detector in the core
	@scripts/sanitize $(BUILD)

fuzz: ## every fuzz test for FUZZTIME (30s)
	@scripts/fuzz $(FUZZTIME)

lint: ## golangci-lint, clang-format, shellcheck, generated files
	@scripts/lint

man: build ## write the man pages into BUILD/man
	@mkdir -p $(BUILD)/man
	@go run -tags man -ldflags "-X sluice/core/version.Version=$$(cat VERSION)" ./core/cmd/sluice man $(BUILD)/man

generate: ## regenerate the files that are made from others
	@go generate ./...

clean: ## remove the build directory
	@rm -rf $(BUILD)
