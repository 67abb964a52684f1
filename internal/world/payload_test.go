package world_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"testing"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

// TestSamplesAreComplete reads payload.go, so that no type can be forgotten in
// the tests that go over worldtest.Payloads.
func TestSamplesAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "payload.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var declared []world.Type
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv == nil || f.Name.Name != "Type" {
			continue
		}
		lit, ok := f.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.BasicLit)
		if !ok {
			t.Fatalf("method Type number %d does not return a literal", len(declared)+1)
		}
		name, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		declared = append(declared, world.Type(name))
	}
	slices.Sort(declared)
	if got := slices.Sorted(maps.Keys(worldtest.Payloads())); !slices.Equal(got, declared) {
		t.Errorf("worldtest.Payloads: got %v, want one for each of %v", got, declared)
	}
	if len(declared) == 0 {
		t.Error("payload.go declares no payload")
	}
}
