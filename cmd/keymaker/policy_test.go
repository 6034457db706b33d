package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "keymaker"

// source is one Go file of the project.
type source struct {
	path, pkg string // relative to the root; the package's folder
	test      bool
	file      *ast.File
	fset      *token.FileSet
}

func root(t *testing.T) string {
	t.Helper()
	abs, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// sources parses every Go file of the project.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root(t), path)
		all = append(all, source{path: rel, pkg: filepath.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), file: file, fset: fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("found only %d files", len(all))
	}
	return all
}

func (s source) imports() []string {
	var paths []string
	for _, i := range s.file.Imports {
		paths = append(paths, strings.Trim(i.Path.Value, `"`))
	}
	return paths
}

// table reads the rows of the Markdown table between <!-- name --> and <!-- /name --> of ARCHITECTURE.md.
func table(t *testing.T, name string) [][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "<!-- "+name+" -->")
	body, _, end := strings.Cut(rest, "<!-- /"+name+" -->")
	if !ok || !end {
		t.Fatalf("ARCHITECTURE.md has no table %s", name)
	}
	var rows [][]string
	for _, line := range strings.Split(strings.TrimSpace(body), "\n")[2:] {
		var cells []string
		for _, c := range strings.Split(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(c))
		}
		rows = append(rows, cells)
	}
	return rows
}

var quoted = regexp.MustCompile("`([^`]+)`")

func names(cell string) []string {
	var ns []string
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		ns = append(ns, m[1])
	}
	return ns
}

// The import lattice of ARCHITECTURE.md is law.
func TestImportLattice(t *testing.T) {
	may := make(map[string][]string)
	for _, row := range table(t, "lattice") {
		may[names(row[0])[0]] = names(row[1])
	}
	seen := make(map[string]bool)
	for _, s := range sources(t) {
		allowed, ok := may[s.pkg]
		if !ok {
			t.Errorf("%s: package %s has no row in the lattice of ARCHITECTURE.md", s.path, s.pkg)
			continue
		}
		seen[s.pkg] = true
		if s.test {
			allowed = append(slices.Clone(allowed), s.pkg, "okta/oktatest", "neo4j/neo4jtest", "reconcile/reconciletest")
		}
		for _, path := range s.imports() {
			if own, ok := strings.CutPrefix(path, module+"/"); ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s, which the lattice of ARCHITECTURE.md does not allow", s.path, own)
			}
		}
	}
	for pkg := range may {
		if !seen[pkg] {
			t.Errorf("the lattice has a row for %s, which is no package", pkg)
		}
	}
}

// Each library has one home.
func TestLibrariesHaveOneHome(t *testing.T) {
	rows := table(t, "libraries")
	used := make(map[string]bool)
	for _, s := range sources(t) {
		for _, path := range s.imports() {
			first, _, _ := strings.Cut(path, "/")
			if !strings.Contains(first, ".") {
				continue // the standard library, or ours
			}
			row := rowOf(rows, path)
			if row == nil {
				t.Errorf("%s imports %s, which has no row in the libraries of ARCHITECTURE.md", s.path, path)
				continue
			}
			used[row[0]] = true
			homes := names(row[2])
			if !s.test && !slices.Contains(homes, s.pkg) && !slices.Contains(homes, s.path) {
				t.Errorf("%s imports %s, whose home is %s", s.path, path, row[2])
			}
		}
	}
	for _, row := range rows {
		if !used[row[0]] {
			t.Errorf("ARCHITECTURE.md lists %s, which nobody imports", row[0])
		}
	}
}

// rowOf finds the most specific row for an import path: the exact one, else the longest prefix that ends in "...".
func rowOf(rows [][]string, path string) []string {
	var best []string
	for _, row := range rows {
		name := names(row[0])[0]
		if name == path {
			return row
		}
		prefix, wild := strings.CutSuffix(name, "...")
		if wild && strings.HasPrefix(path+"/", prefix) && (best == nil || len(name) > len(names(best[0])[0])) {
			best = row
		}
	}
	return best
}

func TestEveryPackageHasADoc(t *testing.T) {
	has := make(map[string]bool)
	for _, s := range sources(t) {
		has[s.pkg] = has[s.pkg] || filepath.Base(s.path) == "doc.go" && s.file.Doc != nil
	}
	for pkg, ok := range has {
		if !ok {
			t.Errorf("%s has no doc.go with a package comment", pkg)
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: %s has no doc comment", s.path, name)
			}
		}
	}
}

func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var bare []string
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					bare = append(bare, spec.Name.Name)
				}
			case *ast.ValueSpec:
				if spec.Names[0].IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					bare = append(bare, spec.Names[0].Name)
				}
			}
		}
		return bare
	}
	return nil
}

// A secret has one door a system: its client.go. And only the main files of commands end the process.
func TestForbiddenCalls(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, _ := sel.X.(*ast.Ident)
			at := s.fset.Position(call.Pos())
			switch {
			case sel.Sel.Name == "Open" && len(call.Args) == 0 && filepath.Base(s.path) != "client.go":
				t.Errorf("%s:%d opens a secret outside client.go", s.path, at.Line)
			case pkg != nil && pkg.Name == "os" && sel.Sel.Name == "Exit" && !(strings.HasPrefix(s.path, "cmd/") && filepath.Base(s.path) == "main.go"):
				t.Errorf("%s:%d ends the process", s.path, at.Line)
			case pkg != nil && pkg.Name == "fmt" && strings.HasPrefix(sel.Sel.Name, "Print"):
				t.Errorf("%s:%d prints to the process's stdout behind everybody's back", s.path, at.Line)
			}
			return true
		})
	}
}

// What ships must not import testing: the emulators are part of the product.
func TestNoTestingInTheProduct(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test && s.pkg != "reconcile/reconciletest" && slices.Contains(s.imports(), "testing") {
			t.Errorf("%s imports testing", s.path)
		}
	}
}
