# The one place to find a command. `make` alone lists them; scripts/ holds what is longer than a line.
# A command changes tracked files only if its line says "writes".

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

INPUT  ?= /usr/share/common-licenses/*
FILTER ?=
RUN    ?= run jobs/word-count/job.fl --overwrite
NAME   ?=
FUZZ_SECONDS ?= 60
SIMULATED_SECONDS ?= 120
FRESH_SECONDS ?= 20
DEPTH ?= 1
PROGRAMS ?= 100000
SEED   ?= 0
SEEDS  ?= 10000
BUG    ?=
KIND   ?= both
KILLS  ?= 200

SWIFT_FILES := Sources Tests connectors Fuzz Package.swift
RELEASE := .build-release
WEIR := $(RELEASE)/release/weir
SIMULATE := $(RELEASE)/release/simulate

.DEFAULT_GOAL := help
.PHONY: help setup test-broker build demo test verify lint layers test-jobs oracle fix fuzz bench flamegraph
.PHONY: chaos-stream demo-stream bench-stream bench-kafka
.PHONY: simulate simulate-many mutants
.PHONY: new-connector new-job accept-jobs

help:            ## List these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 16

setup:           ## Install what is missing to build: Debian packages; names a missing or old Swift
	@scripts/setup

test-broker:     ## As setup, and the broker of the Kafka connector's tests, from PyPI
	@scripts/setup --test-broker

build: setup     ## The release binary, .build-release/release/weir
	@swift build -c release --product weir --static-swift-stdlib --scratch-path $(RELEASE)

demo: build      ## Count the words of real files (INPUT='/usr/share/common-licenses/*')
	@scripts/demo $(WEIR) '$(INPUT)'

test: test-broker  ## The tests (FILTER='part of a sentence', DEPTH=10: ten times as many random ones)
	swift build --build-tests
	WEIR_TEST_DEPTH=$(DEPTH) swift test --skip-build $(if $(FILTER),--filter '$(FILTER)')

demo-stream: build test-broker ## Clickstream between two topics of a broker: events made, windows written, time behind
	scripts/demo-stream $(WEIR)

lint:            ## Layout and style of the Swift files
	swift format lint --strict --recursive --parallel $(SWIFT_FILES)

layers:          ## Who may import whom
	scripts/check-layers

verify: test-broker lint layers  ## Everything CI checks; never changes a file
	swift build --build-tests --explicit-target-dependency-import-check error
	swift test --skip-build
	@$(MAKE) --no-print-directory test-jobs
	@$(MAKE) --no-print-directory simulator
	scripts/simulate $(SIMULATE) --first 0 --seconds $(SIMULATED_SECONDS) --seeds 1000000
	scripts/simulate $(SIMULATE) --first $$(date +%s%N) --seconds $(FRESH_SECONDS) --seeds 1000000
	scripts/chaos-stream $(WEIR) --kills 5 --events 10000 --seed 1
	@$(MAKE) --no-print-directory fuzz

test-jobs: build ## The golden jobs with the release binary (NAME=word-count for one)
	scripts/test-jobs $(WEIR) $(NAME)

chaos-stream: build test-broker ## Kill a stream between topics KILLS=200 times, and hold what it wrote against a recomputation
	scripts/chaos-stream $(WEIR) --kills $(KILLS) --events $$((300 * $(KILLS)))

oracle: setup    ## Generated programs on interpreter, machine, kernels (PROGRAMS=100000 SEED=0 KIND=programs, maps)
	swift build -c release --product oracle --static-swift-stdlib --scratch-path $(RELEASE)
	scripts/oracle $(RELEASE)/release/oracle --programs $(PROGRAMS) --seed $(SEED) --kind $(KIND)

simulate: simulator ## One seed of the simulated cluster with its events (SEED=42 BUG=commits-older-terms)
	$(SIMULATE) show $(SEED) $(BUG)

simulate-many: simulator ## SEEDS=10000 seeds of it from SEED on, in child processes; stops at the first violation
	scripts/simulate $(SIMULATE) --first $(SEED) --seeds $(SEEDS) $(if $(BUG),--bug $(BUG))

mutants: simulator ## The planted bugs: how many seeds each takes until it is found (SEEDS=10000 at most)
	$(SIMULATE) mutants $(SEED) $(SEEDS)

.PHONY: simulator
simulator: setup
	@swift build -c release --product simulate --static-swift-stdlib --scratch-path $(RELEASE)

fuzz: setup      ## Fuzz everything that parses, FUZZ_SECONDS=60 in all
	@if [[ -x scripts/fuzz ]]; then scripts/fuzz $(FUZZ_SECONDS); else echo 'fuzz: nothing to fuzz yet'; fi

fix:             ## Format in place; writes
	swift format --in-place --recursive --parallel $(SWIFT_FILES)

bench-stream: build ## Streams against reference programs (FILTER=sliding for some rows)
	@scripts/setup --bench
	scripts/bench-stream $(WEIR) $(if $(FILTER),--filter '$(FILTER)')

bench-kafka: build test-broker ## Streams between topics: throughput and latency (FILTER=latency for some rows)
	@scripts/setup --bench
	scripts/bench-kafka $(WEIR) $(if $(FILTER),--filter '$(FILTER)')

bench: build     ## Weir against the reference programs (FILTER=word-count for some rows)
	@scripts/setup --bench
	scripts/bench $(WEIR) $(if $(FILTER),--filter '$(FILTER)')

flamegraph: build  ## Where the time goes, .flamegraph/weir.svg (RUN='run jobs/word-count/job.fl --overwrite')
	scripts/flamegraph --output .flamegraph/weir.svg -- $(WEIR) $(RUN)

new-connector:   ## A connector that passes verify (NAME=redis); writes
	scripts/new-connector '$(NAME)'

new-job:         ## A job that passes verify (NAME=my-job); writes
	scripts/new-job '$(NAME)'

accept-jobs:     ## Recompute jobs/*/expected without Weir; writes, review the diff
	scripts/golden-expected
