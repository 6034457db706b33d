package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"keymaker/reconcile"
	"keymaker/specs"
)

var update = flag.Bool("update", false, "rewrite what the READMEs show from what the program says")

// generated holds the part of a README between <!-- name --> and <!-- /name --> to a text; with -update it rewrites it.
func generated(t *testing.T, readme, name, want string) {
	t.Helper()
	path := filepath.Join(root(t), readme)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	open, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(string(text), open)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no part %s", readme, name)
	}
	if got == want {
		return
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+open+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s: the part %s is stale; run go test ./cmd/keymaker -run %s -update\ngot:\n%s\nwant:\n%s", readme, name, t.Name(), got, want)
}

// The reference of blocks and attributes comes from the same tables that decode them.
func TestReferenceOfBlocks(t *testing.T) {
	for _, l := range languages() {
		var b strings.Builder
		describeKind(&b, fmt.Sprintf("connection %q", l.System()), l.Connection())
		for _, k := range l.Kinds() {
			describeKind(&b, fmt.Sprintf("%s %q", l.System(), k.Name), k)
		}
		generated(t, filepath.Join(l.System(), "README.md"), "reference", b.String())
	}
}

func describeKind(b *strings.Builder, title string, k reconcile.Kind) {
	fmt.Fprintf(b, "#### `%s`\n\n%s\n\n", title, k.Doc)
	var rows []string
	for _, f := range k.Fields {
		if f.Echo || f.Doc == "" {
			continue // worked out, not written
		}
		notes := f.Doc
		if len(f.Enum) > 0 {
			notes += " One of `" + strings.Join(f.Enum, "`, `") + "`."
		}
		if f.Default != "" {
			notes += " Left out: " + f.Default + "."
		}
		if f.Required {
			notes += " Required."
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", f.Name, f.Type, notes))
	}
	if len(rows) > 0 {
		fmt.Fprintf(b, "| attribute | type | meaning |\n|---|---|---|\n%s\n\n", strings.Join(rows, "\n"))
	}
	if len(k.Watches) > 0 {
		b.WriteString("Watched by `drift` beside its attributes; `ignore_changes` may name them:\n\n")
		for _, w := range k.Watches {
			fmt.Fprintf(b, "- `%s`: %s\n", w.Name, w.Doc)
		}
		b.WriteString("\n")
	}
	if len(k.Exports) > 0 {
		var names []string
		for _, e := range k.Exports {
			names = append(names, "`"+e.Name+"`")
		}
		fmt.Fprintf(b, "Other blocks may refer to: %s.\n\n", strings.Join(names, ", "))
	}
	for _, inner := range k.Blocks {
		label := ""
		if inner.Labeled {
			label = ` "name"`
		}
		describeKind(b, title+" / "+inner.Name+label, inner.Kind)
	}
}

// languageBlock is a block of the language, as `keymaker schema` describes it.
type languageBlock struct {
	Type, Description string
	Labels            []struct{ Name, Value string }
	Attributes        []struct {
		Name, Description, Default string
		Required                   bool
		Type                       struct{ Text string }
	}
	Blocks []languageBlock
}

// The reference of the language's own blocks comes from the schema that editors get.
func TestReferenceOfLanguage(t *testing.T) {
	doc, err := specs.Schema(languages())
	if err != nil {
		t.Fatal(err)
	}
	var schema struct{ Blocks []languageBlock }
	if err := json.Unmarshal(doc, &schema); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	told := map[string]bool{}
	for _, block := range schema.Blocks {
		labelled := len(block.Labels) > 0 && block.Labels[len(block.Labels)-1].Name == "name" && block.Type == "removed" // by kind: the systems' references
		isObject := slices.ContainsFunc(languages(), func(l specs.Language) bool { return l.System() == block.Type })
		for _, inner := range block.Blocks {
			if inner.Type == "lifecycle" && !told[inner.Type] && isObject {
				told[inner.Type] = true
				describeLanguage(&b, inner)
			}
		}
		if told[block.Type] || labelled || isObject || block.Type == "connection" {
			continue
		}
		told[block.Type] = true
		describeLanguage(&b, block)
	}
	for _, want := range []string{"variable", "locals", "output", "module", "moved", "removed", "own", "lifecycle"} {
		if !told[want] {
			t.Errorf("the reference lacks %s", want)
		}
	}
	generated(t, "specs/README.md", "reference", b.String())
}

func describeLanguage(b *strings.Builder, block languageBlock) {
	title := block.Type
	for _, l := range block.Labels {
		title += " \"" + strings.ToUpper(l.Name) + "\""
	}
	fmt.Fprintf(b, "#### `%s`\n\n%s\n\n", title, block.Description)
	if len(block.Attributes) > 0 {
		b.WriteString("| attribute | type | meaning |\n|---|---|---|\n")
	}
	for _, a := range block.Attributes {
		notes := a.Description
		if a.Default != "" {
			notes += " Left out: " + a.Default + "."
		}
		if a.Required {
			notes += " Required."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", a.Name, a.Type.Text, notes)
	}
	if len(block.Attributes) > 0 {
		b.WriteString("\n")
	}
	for _, inner := range block.Blocks {
		if inner.Type != "lifecycle" {
			describeLanguage(b, inner)
		}
	}
}

// The commands' reference is their help.
func TestReferenceOfCommands(t *testing.T) {
	var b strings.Builder
	p := &program{out: newOutput(nil, nil, nil)}
	for _, c := range p.root().Commands() {
		describeCommand(&b, c)
	}
	generated(t, "cmd/keymaker/README.md", "commands", b.String())
}

func describeCommand(b *strings.Builder, c *cobra.Command) {
	if c.Hidden || c.Name() == "completion" || c.Name() == "help" {
		return
	}
	fmt.Fprintf(b, "#### `%s`\n\n%s\n\n", c.UseLine(), strings.ReplaceAll(longOf(c), "\n\n", "\n\n"))
	if c.LocalNonPersistentFlags().HasAvailableFlags() {
		b.WriteString("| flag | meaning |\n|---|---|\n")
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			value, usage := pflag.UnquoteUsage(f)
			name := "--" + f.Name
			if value != "" {
				name += " " + value
			}
			fmt.Fprintf(b, "| `%s` | %s |\n", name, usage)
		})
		b.WriteString("\n")
	}
	for _, sub := range c.Commands() {
		describeCommand(b, sub)
	}
}

func longOf(c *cobra.Command) string {
	if c.Long != "" {
		return c.Long
	}
	return c.Short + "."
}

// Every command says which exit codes it gives.
func TestHelpNamesExitCodes(t *testing.T) {
	p := &program{out: newOutput(nil, nil, nil)}
	for _, c := range p.root().Commands() {
		if c.Name() != "completion" && c.Name() != "help" && c.Name() != "version" && !strings.Contains(c.Long, "Exit codes: 0") {
			t.Errorf("%s: its help names no exit codes", c.Name())
		}
	}
}

// Each hcl block in the READMEs is a spec that loads, and is in canonical layout.
func TestSpecsInDocs(t *testing.T) {
	fence := regexp.MustCompile("(?s)```hcl\n(.*?)```")
	found := 0
	for _, readme := range []string{"README.md", "specs/README.md", "cmd/keymaker/README.md", "okta/README.md", "neo4j/README.md"} {
		text, err := os.ReadFile(filepath.Join(root(t), readme))
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range fence.FindAllStringSubmatch(string(text), -1) {
			found++
			t.Run(fmt.Sprintf("%s/%d", readme, i+1), func(t *testing.T) { checkSpec(t, m[1]) })
		}
	}
	if found < 5 {
		t.Errorf("only %d specs in the READMEs", found)
	}
}

func checkSpec(t *testing.T, text string) {
	file := filepath.Join(t.TempDir(), "main.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	noEnv := func(string) (string, bool) { return "", false }
	_, diags := specs.Load(file, languages(), specs.Options{Env: noEnv})
	for _, d := range diags {
		t.Errorf("%s", d.Error())
	}
	tidy, diags := specs.Format([]byte(text), file)
	if diags.HasErrors() || !bytes.Equal(tidy, []byte(text)) {
		t.Errorf("not in canonical layout; it would be:\n%s", tidy)
	}
}

// Each keymaker command line in the READMEs names a command and flags that exist.
func TestCommandsInDocs(t *testing.T) {
	line := regexp.MustCompile("(?m)(?:^|^\\$ |`)(?:go run \\./cmd/)?keymaker ([a-z][^`|>#&\\n]*)")
	found := 0
	for _, readme := range []string{"README.md", "cmd/keymaker/README.md", "okta/README.md", "neo4j/README.md"} {
		text, err := os.ReadFile(filepath.Join(root(t), readme))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range line.FindAllStringSubmatch(string(text), -1) {
			found++
			args := strings.Fields(m[1])
			p := &program{out: newOutput(nil, nil, nil)}
			c, rest, err := p.root().Find(args)
			if err != nil || c == c.Root() {
				t.Errorf("%s: %q: no such command", readme, m[0])
				continue
			}
			if err := c.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
				t.Errorf("%s: %q: %v", readme, m[0], err)
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d command lines in the READMEs", found)
	}
}
