package hearth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "hearth"

// mayImport is the house's floor plan: which of our packages a package may
// import in production code. A package that is missing here is a new row, to
// be argued for in docs/adr/. "*" is everything.
var mayImport = map[string][]string{
	"internal/world":                   {},
	"internal/world/words":             {"internal/world", "internal/world/price"},
	"internal/world/rules":             {"internal/world", "internal/world/price", "internal/world/words"},
	"internal/world/price":             {"internal/world"},
	"internal/world/worldtest":         {"internal/world"},
	"internal/clock":                   {"internal/world"},
	"internal/bot":                     {"internal/world", "internal/world/rules", "internal/world/words", "internal/discord"},
	"internal/probe":                   {"internal/world"},
	"internal/valheim":                 {"internal/world", "internal/valheim/line"},
	"internal/valheim/explain":         {"internal/world", "internal/valheim", "internal/valheim/line"},
	"internal/valheim/line":            {},
	"internal/agent":                   {"internal/world", "internal/valheim", "internal/agent/backoff", "internal/agent/lease", "internal/agent/outbox", "internal/agent/spool", "internal/agent/watch"},
	"internal/agent/backoff":           {"internal/world"},
	"internal/agent/lease":             {"internal/world", "internal/agent/backoff"},
	"internal/agent/outbox":            {"internal/world", "internal/agent/backoff", "internal/agent/spool"},
	"internal/agent/spool":             {},
	"internal/agent/watch":             {"internal/world", "internal/agent/backoff"},
	"internal/discord":                 {"internal/world", "internal/discord/retry"},
	"internal/discord/retry":           {"internal/world"},
	"internal/functions":               {},
	"internal/sqlite":                  {"internal/world"},
	"internal/saves":                   {"internal/world"},
	"internal/docker":                  {"internal/world", "internal/docker/logstream"},
	"internal/docker/logstream":        {"internal/world"},
	"internal/sim/simgame":             {"internal/world"},
	"internal/sim/simgame/process":     {"internal/world", "internal/clock", "internal/sim/simgame"},
	"internal/settings":                {"internal/world", "internal/world/price", "internal/azure/account", "internal/azure/compute", "internal/azure/identity", "internal/azure/vault", "internal/clock", "internal/discord"},
	"internal/operator":                {"internal/world", "internal/azure/account", "internal/azure/audit", "internal/azure/bloblease", "internal/azure/storage", "internal/azure/vault", "internal/discord", "internal/probe", "internal/settings"},
	"internal/drill":                   {"internal/world"},
	"internal/deploy":                  {"internal/world", "internal/azure/vault", "internal/deploy/program", "internal/discord", "internal/operator", "internal/settings"},
	"internal/deploy/program":          {},
	"internal/deploy/setup":            {"internal/world", "internal/world/price", "internal/deploy/program", "internal/discord", "internal/operator"},
	"internal/azure":                   {"internal/world"},
	"internal/azure/audit":             {},
	"internal/azure/compute":           {"internal/world", "internal/azure/identity"},
	"internal/azure/vault":             {"internal/world"},
	"internal/azure/account":           {"internal/world", "internal/azure/identity"},
	"internal/azure/identity":          {"internal/world"},
	"internal/azure/storage":           {"internal/world", "internal/azure/account"},
	"internal/azure/bloblease":         {"internal/world", "internal/azure/account"},
	"internal/azure/share":             {"internal/world", "internal/azure/account"},
	"internal/sim/simcloud":            {"internal/world"},
	"internal/sim/simcloud/wire":       {"internal/world", "internal/sim/simcloud"},
	"internal/sim/simdiscord":          {"internal/sim/simdiscord/form", "internal/sim/simdiscord/guild", "internal/sim/simdiscord/endpoint"},
	"internal/sim/simdiscord/endpoint": {"internal/sim/simdiscord/form"},
	"internal/sim/simdiscord/form":     {},
	"internal/sim/simdiscord/guild":    {"internal/sim/simdiscord/form"},
	"internal/sim/simdiscord/web":      {"internal/sim/simdiscord", "internal/sim/simdiscord/guild"},
	"internal/sim/simstorage":          {"internal/world"},
	"internal/sim/simshare":            {"internal/world"},
	"internal/sim/simdisk":             {},
	"internal/sim/azurite":             {},
	"internal/sim/simhost":             {"internal/world", "internal/sim/simhost/app", "internal/sim/simhost/envelope", "internal/sim/simhost/queues", "internal/sim/simhost/worker"},
	"internal/sim/simhost/app":         {"internal/sim/simhost/ncrontab"},
	"internal/sim/simhost/envelope":    {},
	"internal/sim/simhost/ncrontab":    {},
	"internal/sim/simhost/queues":      {"internal/world"},
	"internal/sim/simhost/worker":      {"internal/world"},
	"internal/sim/chaos":               {"*"},
	"internal/sim/chaos/games":         {"internal/world", "internal/saves", "internal/sim/chaos/replay", "internal/sim/simgame", "internal/valheim"},
	"internal/sim/chaos/oracle":        {"internal/world", "internal/world/words", "internal/sim/chaos/games", "internal/sim/chaos/replay", "internal/sim/simcloud", "internal/sim/simdiscord", "internal/sim/simgame"},
	"internal/sim/chaos/replay":        {"internal/world"},
	"internal/playground":              {"*"},
	"internal/playground/functionapp": {
		"internal/world", "internal/clock", "internal/azure/account", "internal/azure/bloblease", "internal/azure/storage",
		"internal/sim/azurite", "internal/sim/simcloud", "internal/sim/simcloud/wire", "internal/sim/simhost",
	},
	"internal/playground/journey":     {"internal/world", "internal/playground/panel", "internal/sim/simdiscord"},
	"internal/playground/points":      {"internal/world"},
	"internal/playground/panel":       {},
	"internal/playground/browsertest": {},
	"cmd/hearth":                      {"*"},
	"cmd/hearth-bot": {
		"internal/world", "internal/bot", "internal/azure/account", "internal/azure/compute", "internal/azure/identity", "internal/azure/storage", "internal/clock",
		"internal/discord", "internal/functions", "internal/settings",
	},
	"cmd/hearth-bot/pack": {},
	"cmd/hearth-agent": {
		"internal/world", "internal/agent", "internal/agent/backoff", "internal/agent/spool", "internal/azure", "internal/azure/account", "internal/azure/bloblease",
		"internal/azure/identity", "internal/azure/share", "internal/azure/storage", "internal/azure/vault", "internal/clock", "internal/docker", "internal/saves", "internal/sqlite",
	},

	// The pretend server's container.
	"internal/sim/simgame/supervisor":      {"internal/world", "internal/sim/simgame/process"},
	"internal/sim/simgame/supervisor/pid1": {"internal/clock", "internal/sim/simgame/process", "internal/sim/simgame/supervisor"},

	// For tests alone.
	"internal/docker/dockertest":         {},
	"internal/deploy/deploytest":         {"internal/world", "internal/bot", "internal/clock", "internal/settings", "internal/sim/simdiscord", "internal/sim/simdiscord/web"},
	"internal/azure/account/accounttest": {},
	"internal/azure/vault/vaulttest":     {},
	"internal/settings/settingstest":     {"internal/sim/azurite"},
	"internal/sim/azurite/azuritetest":   {"internal/sim/azurite"},
	"internal/world/worldtest/chattest":  {"internal/world", "internal/clock"},
	"internal/discord/discordtest": {
		"internal/world", "internal/clock", "internal/discord", "internal/sim/simdiscord", "internal/sim/simdiscord/form",
		"internal/world/worldtest/chattest",
	},
	"internal/playground/testdir": {},
	"internal/playground/autopsy": {"internal/world", "internal/clock", "internal/sqlite", "internal/sim/simdiscord", "internal/sim/simdiscord/guild", "internal/sim/simgame"},
}

// core is what decides and speaks, and nothing else.
var core = []string{"internal/world", "internal/world/price", "internal/world/words", "internal/world/rules"}

// coreBans are what the core may not touch: network, files, processes. Its
// clock is banned below.
var coreBans = []string{"net", "os", "io/fs", "io/ioutil", "path/filepath", "syscall", "math/rand", "database/sql", "log"}

// clockCalls are the functions of package time that read the system's clock.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

type pkg struct {
	documented bool
	imports    map[string]string // path to a file that imports it
	files      []*ast.File
}

// packages parses the production code of the module.
func packages(t *testing.T) (map[string]*pkg, *token.FileSet) {
	t.Helper()
	set := token.NewFileSet()
	pkgs := map[string]*pkg{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(name))
		p := pkgs[dir]
		if p == nil {
			p = &pkg{imports: map[string]string{}}
			pkgs[dir] = p
		}
		p.documented = p.documented || f.Doc != nil
		p.files = append(p.files, f)
		for _, i := range f.Imports {
			target, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			p.imports[target] = name
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pkgs, set
}

func TestWhoMayImportWhom(t *testing.T) {
	pkgs, _ := packages(t)
	for _, dir := range slices.Sorted(maps.Keys(pkgs)) {
		allowed, ok := mayImport[dir]
		if !ok {
			t.Errorf("%s has no row in the import table: add one in arch_test.go, and the reason in docs/adr/", dir)
			continue
		}
		for target, file := range pkgs[dir].imports {
			ours, is := strings.CutPrefix(target, module+"/")
			if is && !slices.Contains(allowed, ours) && !slices.Contains(allowed, "*") {
				t.Errorf("%s imports %s: %s may import only %v", file, ours, dir, allowed)
			}
		}
		if !pkgs[dir].documented {
			t.Errorf("%s has no package comment", dir)
		}
	}
	for dir := range mayImport {
		if pkgs[dir] == nil {
			t.Errorf("the import table has a row for %s, which does not exist", dir)
		}
	}
}

func TestCoreTouchesNothing(t *testing.T) {
	pkgs, set := packages(t)
	for _, dir := range core {
		for target, file := range pkgs[dir].imports {
			for _, ban := range coreBans {
				if target == ban || strings.HasPrefix(target, ban+"/") && ban != "log" {
					t.Errorf("%s imports %s: the core does no I/O", file, target)
				}
			}
		}
		for _, f := range pkgs[dir].files {
			ast.Inspect(f, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clockCalls, s.Sel.Name) {
					t.Errorf("%s: time.%s: the core has no clock, the time is in the event", set.Position(n.Pos()), s.Sel.Name)
				}
				return true
			})
		}
	}
}

// TestProductionKnowsNoTests: what ships does not import testing. Packages that
// are named …test do not ship.
func TestProductionKnowsNoTests(t *testing.T) {
	pkgs, _ := packages(t)
	for dir, p := range pkgs {
		if file, ok := p.imports["testing"]; ok && !strings.HasSuffix(dir, "test") {
			t.Errorf("%s imports testing", file)
		}
	}
}
