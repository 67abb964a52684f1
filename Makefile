# Hearth: `make up` runs it, `make test` tests it.

GOLANGCI_VERSION := v2.15.0
TOOLS := $(CURDIR)/bin/tools

.DEFAULT_GOAL := help
.PHONY: help up test check race bench sim month kill fmt agent package azure deploy remote-state test-vm

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: bin/hearth ## Run everything on this machine and print the page's address (ARGS="--speed 1 …")
	./bin/hearth up $(ARGS)

azure: bin/hearth ## The same with the bot as on Azure: its package, the Functions host's stand-in, Azurite (needs Node)
	go run ./cmd/hearth-bot/pack -platforms "$$(go env GOOS)-$$(go env GOARCH)"
	./bin/hearth up --azure $(ARGS)

deploy: bin/hearth ## Bring Hearth to Azure, or up to date there (ARGS="--yes" does not ask)
	./bin/hearth deploy $(ARGS)

remote-state: bin/hearth ## Keep Terraform's state in the deployment's own storage account
	./bin/hearth remote-state

# Whole systems, whose clocks run many times as fast as life: one at a time.
SYSTEMS := ./cmd/... ./internal/docker ./internal/playground ./internal/playground/functionapp

test: ## Run all tests (the browser's need Chromium, the container's a Docker engine, the storage's Node, those of infra Terraform; without one they are skipped, in CI they fail)
ifeq ($(CI),true)
	@mkdir -p bin; status=0; \
	go test -timeout 15m -v $$(go list ./... | grep -vxF "$$(go list $(SYSTEMS))") > bin/test.log 2>&1 || status=$$?; \
	go test -timeout 15m -v -p 1 $(SYSTEMS) >> bin/test.log 2>&1 || status=$$?; \
	grep -E '^(ok|FAIL|panic:|---? FAIL)' bin/test.log; \
	test $$status -eq 0 || { .ci/failures bin/test.log; exit $$status; }; \
	! grep -E -e '--- SKIP' bin/test.log || { echo "a skipped test counts as failed here"; exit 1; }
else
	go test -timeout 15m $$(go list ./... | grep -vxF "$$(go list $(SYSTEMS))")
	go test -timeout 15m -p 1 $(SYSTEMS)
endif

race: ## Run the tests of what runs concurrently under the race detector
	go test -race -timeout 15m ./cmd/hearth-agent ./cmd/hearth-bot ./internal/functions ./internal/bot ./internal/agent/... ./internal/saves ./internal/sqlite ./internal/clock ./internal/discord/... $$(go list ./internal/sim/... | grep -v '/chaos$$') ./internal/playground/panel
	go test -race -timeout 15m ./internal/sim/chaos -run '^TestSeeds$$' -args -seeds 4

SEEDS ?= 1000
FIRST ?= 1
HOURS ?= 3
SHARDS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

sim: ## Shake simulated worlds (SEEDS=1000 FIRST=1 HOURS=3; ARGS="-within 2m", "-bug no-fence", or -say for everybody's log)
	@mkdir -p bin; go test ./internal/sim/chaos -count=1 -timeout 0 -run '^TestSeeds$$' -v \
		-args -seeds $(SEEDS) -first $(FIRST) -hours $(HOURS) -shards $(SHARDS) $(ARGS) > bin/sim.log 2>&1; status=$$?; \
	sed -E 's/^ +chaos_test.go:[0-9]+: //' bin/sim.log | grep -vE '^(=== |ok|PASS|FAIL|--- |shard: )|^ +--- PASS| simulated hours, '; \
	grep -o '[0-9]* seeds, .*' bin/sim.log | tail -1; exit $$status

DAYS ?= 30
SEED ?= 1
month: ## Simulate how a group plays for a month, and print what it costs (DAYS=30 SEED=1)
	@mkdir -p bin; go test ./internal/sim/chaos -count=1 -timeout 0 -run '^TestMonth$$' -v -args -days $(DAYS) -month $(SEED) > bin/month.log 2>&1; status=$$?; \
	grep -E '^ +(\||seed |month_test.go:[0-9]+: .)' bin/month.log | sed -E 's/^ +//'; exit $$status

check: $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION) ## Format, vet, lint, build for every platform, and try infra/ (needs Terraform)
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt'ed (make fmt):"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go mod tidy -diff
	go vet ./...
	GOOS=windows go build ./...
	GOOS=darwin go build ./...
	$< run ./...
	@mkdir -p bin; go test -v -run '^TestTerraform' ./infra > bin/infra.log 2>&1 || { cat bin/infra.log; exit 1; }; \
	grep -vE '^(=== |PASS| *--- PASS)' bin/infra.log # says what was skipped, and why

KILLS ?= 500
kill: ## Kill `hearth up` at every point of an evening, then KILLS (500) times at random moments
	@mkdir -p bin
	HEARTH_KILL_ALL=1 go test -count=1 -timeout 60m -run '^TestKilledAtEveryPoint$$' -v ./internal/playground > bin/kill.log 2>&1; \
	status=$$?; grep -E '^(ok|FAIL|panic:)|points played|--- FAIL' bin/kill.log; exit $$status
	HEARTH_KILLS=$(KILLS) go test -count=1 -timeout 180m -run '^TestKilledAtRandom$$' -v ./cmd/hearth > bin/kill.log 2>&1; \
	status=$$?; grep -E '^(ok|FAIL|panic:)|kills=|violation|seed' bin/kill.log; exit $$status

test-vm: ## Boot the world's machine, a whole Debian, from its cloud-init and play an evening on it (root; half an hour; says what is missing)
	HEARTH_VM=1 go test -count=1 -timeout 120m -v -run '^TestMachine$$' ./infra/vmtest

bench: ## Measure what docs/performance.md lists (the page needs Chromium, the agent Docker, as in `make test`)
	go test -run '^$$' -bench . -benchtime 2s $$(grep -rl --include='*_test.go' '^func Benchmark' internal cmd | xargs -n 1 dirname | sort -u | sed 's,^,./,')

fmt: ## Format the code
	gofmt -w $$(git ls-files '*.go')

ARCH ?= amd64
agent: ## Build bin/hearth-agent, the program for the world's machine (Linux, ARCH=amd64)
	CGO_ENABLED=0 GOOS=linux GOARCH=$(ARCH) go build -trimpath -ldflags "-s -w" -o bin/hearth-agent ./cmd/hearth-agent

PLATFORMS ?= windows-amd64 linux-amd64
package: ## Build dist/hearth-bot-….zip, the function app (PLATFORMS="windows-amd64 linux-amd64")
	go run ./cmd/hearth-bot/pack -platforms "$(PLATFORMS)"

.PHONY: bin/hearth
bin/hearth:
	@command -v go >/dev/null || { echo "Go is missing: install Go 1.26 or newer from go.dev/dl, then run make again"; exit 1; }
	go build -o bin/hearth ./cmd/hearth

$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION):
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/golangci-lint $@
