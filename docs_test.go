package hearth_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page is a document, taken apart.
type page struct {
	path   string
	text   string
	blocks []block
	spans  []string // what stands in `backticks` outside of blocks
	links  []string // targets
	heads  []string // headings, as GitHub makes anchors of them
}

// block is one in a fence.
type block struct {
	lang  string
	lines []string
	after string // the target of the last link before it
}

var (
	span    = regexp.MustCompile("`([^`\n]+)`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#+ (.*)$`)
	noWord  = regexp.MustCompile(`[^\pL\pN _-]`)
)

// guides are what a newcomer reads first; everything in them is checked.
func guides(t *testing.T) []page {
	t.Helper()
	return []page{readPage(t, "README.md"), readPage(t, "CONTRIBUTING.md"), readPage(t, "docs/architecture.md")}
}

// pages are all documents but the decisions, which tell of their own time.
func pages(t *testing.T) []page {
	t.Helper()
	more, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	all := guides(t)
	for _, name := range more {
		if name = filepath.ToSlash(name); name != "docs/architecture.md" {
			all = append(all, readPage(t, name))
		}
	}
	return all
}

func readPage(t *testing.T, name string) page {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p := page{path: name, text: string(b)}
	var in *block
	indent := 0
	for line := range strings.Lines(p.text) {
		line = strings.TrimRight(line, "\n")
		if at := strings.Index(line, "```"); at >= 0 && strings.TrimSpace(line[:at]) == "" {
			if in != nil {
				p.blocks, in = append(p.blocks, *in), nil
				continue
			}
			in, indent = &block{lang: line[at+3:]}, at
			if n := len(p.links); n > 0 {
				in.after = p.links[n-1]
			}
			continue
		}
		if in != nil {
			in.lines = append(in.lines, line[min(indent, len(line)):])
			continue
		}
		if m := heading.FindStringSubmatch(line); m != nil {
			p.heads = append(p.heads, strings.ReplaceAll(noWord.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
		}
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			p.links = append(p.links, m[1])
		}
	}
	prose := regexp.MustCompile("(?ms)^ *```.*?^ *```").ReplaceAllString(p.text, "")
	for _, m := range span.FindAllStringSubmatch(prose, -1) {
		p.spans = append(p.spans, m[1])
	}
	return p
}

// tree lists every file and folder, with slashes.
func tree(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (name == ".git" || name == "bin" || name == ".hearth") {
			return filepath.SkipDir
		}
		all = append(all, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDocsLinks(t *testing.T) {
	all := pages(t)
	adrs, err := filepath.Glob("docs/adr/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range adrs {
		all = append(all, readPage(t, name))
	}
	for _, p := range all {
		for _, target := range p.links {
			if strings.Contains(target, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			to := p
			if file != "" {
				file = path.Join(path.Dir(p.path), file)
				if _, err := os.Stat(file); err != nil {
					t.Errorf("%s leads to %s, which does not exist", p.path, target)
					continue
				}
			}
			if anchor == "" {
				continue
			}
			if file != "" {
				to = readPage(t, file)
			}
			if !slices.Contains(to.heads, anchor) {
				t.Errorf("%s leads to %s, which has no such heading", p.path, target)
			}
		}
	}
}

// looksLikePath: more than one part, or a name with an ending of ours.
var looksLikePath = regexp.MustCompile(`^\.?[\w-]+(/[\w.-]+)+/?$|^[\w.-]+/$|^[\w.-]+\.(go|md|js|css|html|json|txtar|mod|db|log)$`)

// TestDocsPaths: a path that is named is one of the tree, or of what a program
// of ours makes.
func TestDocsPaths(t *testing.T) {
	all, code := tree(t), readCode(t)
	for _, p := range pages(t) {
		for _, s := range p.spans {
			if !looksLikePath.MatchString(s) || strings.HasPrefix(s, "go.") || isModule(s) {
				continue
			}
			name := strings.TrimSuffix(s, "/")
			known := slices.ContainsFunc(all, func(f string) bool { return f == name || strings.HasSuffix(f, "/"+name) })
			if base := path.Base(name); !known && !code.literals[base] {
				t.Errorf("%s names %s, which is not in the tree", p.path, s)
			}
		}
	}
}

// isModule: the path of a dependency begins with a host; package testing and
// those below it are Go's.
func isModule(s string) bool {
	host, _, ok := strings.Cut(s, "/")
	return ok && (host == "testing" || strings.Contains(strings.TrimPrefix(host, "."), "."))
}

// even is text with one blank where gofmt may have many.
func even(text string) string {
	return regexp.MustCompile(`[ \t]+`).ReplaceAllString("\n"+text+"\n", " ")
}

// TestDocsExcerpts: code that is shown is that of the file linked before it,
// but for what stands for the rest: a line "// …".
func TestDocsExcerpts(t *testing.T) {
	shown := 0
	for _, p := range guides(t) {
		for _, b := range p.blocks {
			if b.lang != "go" && b.lang != "txtar" {
				continue
			}
			shown++
			file, err := os.ReadFile(path.Join(path.Dir(p.path), b.after))
			if err != nil {
				t.Errorf("%s shows code that belongs to no file: %v", p.path, err)
				continue
			}
			rest := even(string(file))
			for piece := range strings.SplitSeq(strings.Join(b.lines, "\n"), "\n// …\n") {
				_, after, ok := strings.Cut(rest, even(piece))
				if !ok {
					t.Errorf("%s shows what %s does not have, there or after the piece before:\n%s", p.path, b.after, piece)
					break
				}
				rest = "\n" + after
			}
		}
	}
	if shown == 0 {
		t.Error("no code is shown anywhere")
	}
}

// TestDocsCommands: every command of a shell is one that a test knows.
func TestDocsCommands(t *testing.T) {
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, p := range pages(t) {
		var commands []string
		for _, b := range p.blocks {
			if b.lang == "sh" {
				commands = append(commands, b.lines...)
			}
		}
		for _, s := range p.spans {
			if strings.HasPrefix(s, "make ") || strings.HasPrefix(s, "go ") {
				commands = append(commands, s)
			}
		}
		for _, c := range commands {
			c, _, _ = strings.Cut(c, " # ")
			if c = strings.TrimSpace(c); c == "" {
				continue
			}
			checked++
			if bad := checkCommand(c, string(makefile)); bad != "" {
				t.Errorf("%s: %s: %s", p.path, c, bad)
			}
		}
	}
	if checked == 0 {
		t.Error("no command is shown anywhere")
	}
}

// words takes a command apart. Quotes only keep blanks here.
func words(command string) []string {
	var out []string
	for i, part := range strings.Split(command, `"`) {
		if i%2 == 1 && len(out) > 0 {
			out[len(out)-1] += part
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}

func checkCommand(command, makefile string) (bad string) {
	args := words(command)
	if len(args) < 2 {
		return "no test knows this command"
	}
	switch args[0] {
	case "make":
		return checkMake(args[1:], makefile)
	case "go":
		return checkGo(args[1:])
	case "az": // what the keeper's program tells people to run
		if said, err := os.ReadFile("internal/deploy/explain.go"); err == nil && strings.Contains(string(said), "run "+command) {
			return ""
		}
	case "hearth-agent": // by its own TestManualCommands
		return ""
	}
	return "no test knows this command"
}

func checkMake(args []string, makefile string) (bad string) {
	for _, a := range args {
		name, value, variable := strings.Cut(a, "=")
		switch {
		case !variable && !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(a)+`:`).MatchString(makefile):
			return "the Makefile has no target " + a
		case variable && !strings.Contains(makefile, "$("+name+")"):
			return "the Makefile has no variable " + name
		case variable && args[0] == "sim" && name == "ARGS":
			for f := range strings.FieldsSeq(value) {
				if strings.HasPrefix(f, "-") && !hasFlag("internal/sim/chaos", f) {
					return "make sim has no flag " + f
				}
			}
		}
	}
	return ""
}

func checkGo(args []string) (bad string) {
	if args[0] != "test" && args[0] != "run" {
		return "no test knows this command"
	}
	dir := ""
	for i, a := range args[1:] {
		switch {
		case strings.HasPrefix(a, "./"):
			dir = strings.TrimSuffix(strings.TrimSuffix(a, "..."), "/")
			if _, err := os.Stat(dir); err != nil {
				return "there is no " + a
			}
		case args[0] == "run":
			return "" // the flags are those of the program, whose tests know them
		case a == "-run":
			if i+2 >= len(args) || !inTests(dir, "func "+args[i+2]+"(") {
				return "there is no such test"
			}
		case strings.HasPrefix(a, "-") && a != "-race" && !hasFlag(dir, a):
			return "its tests have no flag " + a
		}
	}
	return ""
}

// hasFlag: the tests of a package define this flag.
func hasFlag(dir, name string) bool {
	return inTests(dir, `("`+strings.TrimLeft(name, "-")+`", `)
}

func inTests(dir, text string) bool {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	return err == nil && slices.ContainsFunc(files, func(f string) bool {
		b, err := os.ReadFile(f)
		return err == nil && strings.Contains(string(b), text)
	})
}

// TestReadmeTree: what the README draws is there.
func TestReadmeTree(t *testing.T) {
	p := readPage(t, "README.md")
	i := slices.IndexFunc(p.blocks, func(b block) bool { return len(b.lines) > 0 && strings.HasPrefix(b.lines[0], "cmd/hearth/") })
	if i < 0 {
		t.Fatal("the README draws no tree that begins with cmd/hearth/")
	}
	inside := regexp.MustCompile(`(?:^|[ (])([a-z]+)/`)
	var at []string // the folders on the way to this line, by depth
	for _, line := range p.blocks[i].lines {
		body := strings.TrimLeft(line, " ")
		depth := (len(line) - len(body)) / 2
		name, says, _ := strings.Cut(body, " ")
		if depth > len(at) { // the rest of the line before
			depth, name, says = len(at)-1, "", body
		}
		dir := path.Join(append(slices.Clone(at[:depth]), name)...)
		if name == "" {
			dir = path.Join(at...)
		} else {
			at = append(at[:depth:depth], name)
			if _, err := os.Stat(dir); err != nil {
				t.Errorf("the tree has %s, which does not exist", dir)
			}
		}
		for _, m := range inside.FindAllStringSubmatch(says, -1) {
			if _, err := os.Stat(path.Join(dir, m[1])); err != nil {
				t.Errorf("the tree says that %s has %s/", dir, m[1])
			}
		}
	}
}
