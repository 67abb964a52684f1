package hearth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// code is every name of the tree's Go files, those of the tests too.
type code struct {
	packages map[string]map[string]bool // by a package's name: what stands at its top
	members  map[string]map[string]bool // by a type's name: its fields and methods
	names    map[string]bool            // all of these
	imported map[string]bool            // last parts of what is imported
	literals map[string]bool            // whole string literals, and the base names of those that are paths
}

func readCode(t *testing.T) *code {
	t.Helper()
	c := &code{
		packages: map[string]map[string]bool{}, members: map[string]map[string]bool{},
		names: map[string]bool{}, imported: map[string]bool{}, literals: map[string]bool{},
	}
	for _, name := range tree(t) {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		c.take(f)
	}
	return c
}

func add(to map[string]map[string]bool, key, name string) {
	if to[key] == nil {
		to[key] = map[string]bool{}
	}
	to[key][name] = true
}

func (c *code) take(f *ast.File) {
	pkg := strings.TrimSuffix(f.Name.Name, "_test")
	top := func(id *ast.Ident) {
		add(c.packages, pkg, id.Name)
		c.names[id.Name] = true
	}
	member := func(of string, id *ast.Ident) {
		add(c.members, of, id.Name)
		c.names[id.Name] = true
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				top(d.Name)
				continue
			}
			of := d.Recv.List[0].Type
			if star, ok := of.(*ast.StarExpr); ok {
				of = star.X
			}
			if id, ok := of.(*ast.Ident); ok {
				member(id.Name, d.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					top(s.Name)
					ast.Inspect(s.Type, func(n ast.Node) bool {
						if field, ok := n.(*ast.Field); ok {
							for _, id := range field.Names {
								member(s.Name.Name, id)
							}
						}
						return true
					})
				case *ast.ValueSpec:
					for _, id := range s.Names {
						top(id)
					}
				}
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err == nil {
				c.literals[s], c.literals[path.Base(s)] = true, true
			}
		}
		return true
	})
	for _, i := range f.Imports {
		if s, err := strconv.Unquote(i.Path.Value); err == nil {
			c.imported[path.Base(s)] = true
		}
	}
}

var (
	qualified = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*){1,2}$`)
	bare      = regexp.MustCompile(`^[A-Za-z_]\w*$`)
)

// unknown says what is wrong with a dotted name, or "".
func (c *code) unknown(name string) string {
	parts := strings.Split(name, ".")
	if len(parts[0]) == 1 && c.names[parts[1]] { // a receiver
		return ""
	}
	if pkg := c.packages[parts[0]]; pkg != nil {
		if !pkg[parts[1]] {
			return "package " + parts[0] + " has no " + parts[1]
		}
		parts = parts[1:]
		if len(parts) == 1 {
			return ""
		}
	}
	switch of := c.members[parts[0]]; {
	case of != nil && !of[parts[1]]:
		return parts[0] + " has no " + parts[1]
	case of == nil && !c.imported[parts[0]]:
		return "there is no " + parts[0]
	}
	return ""
}

// TestDocsNames: a name of the code that the documents give is one. In the
// guides that is every single word set as code, too: a name, a word that some
// code writes or reads, or a target of make.
func TestDocsNames(t *testing.T) {
	c := readCode(t)
	plain := []string{"make", "ps"} // programs
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+):`).FindAllStringSubmatch(readPage(t, "Makefile").text, -1) {
		plain = append(plain, m[1])
	}
	for _, p := range pages(t) {
		for _, s := range p.spans {
			s = strings.TrimSuffix(s, "()")
			if qualified.MatchString(s) && !looksLikePath.MatchString(s) && !c.literals[s] {
				if bad := c.unknown(s); bad != "" {
					t.Errorf("%s names %s: %s", p.path, s, bad)
				}
			}
		}
	}
	for _, p := range guides(t) {
		for _, s := range p.spans {
			known := c.names[s] || c.packages[s] != nil || c.literals[s] || slices.Contains(plain, s)
			if bare.MatchString(s) && !known {
				t.Errorf("%s names %s: no code knows the word", p.path, s)
			}
		}
	}
}

// TestArchitectureNamesEveryPackage: the table of the parts has each package
// of the import table, whole or from its folder on.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	p := readPage(t, "docs/architecture.md")
	for _, dir := range slices.Sorted(maps.Keys(mayImport)) {
		if !slices.ContainsFunc(p.spans, func(s string) bool { return s == dir || strings.HasSuffix(dir, "/"+s) }) {
			t.Errorf("docs/architecture.md has no word of %s: add it to the table of the parts", dir)
		}
	}
}
