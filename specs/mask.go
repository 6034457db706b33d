package specs

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"keymaker/reconcile"
)

// masker hides literal secrets in the source that snippets are cut from: wherever a mistake stands, the line that is shown may hold one. Names tell what may be secret,
// since a file with a syntax error has no blocks.
type masker struct {
	names  map[string]bool // of attributes
	blocks map[string]bool // of inner blocks, which are no attributes whatever their names sound like
	roots  map[string]bool // words that references start with; any other may be a secret without its quotes
}

// secretWord is how attributes and members of maps are called that hold secrets, whatever the kinds say.
var secretWord = regexp.MustCompile(`(?i)passw|passphrase|secret|credential|private_?key|api_?key|^(token|pw|pwd)$`)

func newMasker(languages []Language) masker {
	m := masker{make(map[string]bool), make(map[string]bool), map[string]bool{"var": true, "local": true, "each": true, "module": true, connectionWord: true}}
	for _, lang := range languages {
		m.roots[lang.System()] = true
		m.add(lang.Connection())
		for _, k := range lang.Kinds() {
			m.add(k)
		}
	}
	return m
}

func (m masker) add(k reconcile.Kind) {
	for _, f := range k.Fields {
		if f.Sensitive || f.Type.Base == reconcile.TypeSecret || f.Type.Elem != nil && f.Type.Elem.Base == reconcile.TypeSecret {
			m.names[f.Name] = true
		}
	}
	for _, b := range k.Blocks {
		m.blocks[b.Name] = true
		m.add(b.Kind)
	}
}

func (m masker) hides(name string) bool { return m.names[name] || secretWord.MatchString(name) }

// Masked is a file's source as its snippets may show it when the file does not parse: what is given to an attribute that may be a secret, to a variable's default, and to
// anything in a variable file, is starred out. The length stays.
func Masked(src []byte, filename string, languages []Language) []byte {
	return newMasker(languages).broken(src, strings.HasSuffix(filename, anyVarsFile))
}

var (
	word       = regexp.MustCompile(`(?:^|[\s,{(\["])([\pL_][\pL\d_-]*)(?:[\s"=:\[]|$)`)
	value      = regexp.MustCompile(`^\s*[\pL_][\pL\d_-]*\s*=[^=\r\n]`)
	blockStart = regexp.MustCompile(`^"?\s*("[^"]*"\s*)?\{`)
	heredoc    = regexp.MustCompile(`^\s*<<-?\s*([\pL_][\pL\d_-]*)`)
	// fresh begins a line with which a value that was not closed has ended, as far as people would say: NAME = …, a block, or a closing brace. Padding of base64 is none.
	fresh = regexp.MustCompile(`^\s*(}|#|//|[\pL_][\pL\d_-]*\s*(=[^=\r\n]|\{|"))`)
)

// broken masks a file that does not parse, line by line: its strings may have no end. all masks every value.
func (m masker) broken(src []byte, all bool) []byte {
	out := starLogins(src)
	var until func(line string) bool // says whether a line is after the value
	for at := 0; at < len(src); {
		end := len(src)
		if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		line := string(src[at:end])
		if until != nil && !until(line) {
			star(out[at:end])
			at = end
			continue
		}
		until = nil
		if from := m.valueStart(line, all); from >= 0 {
			star(out[at+from : end])
			until = valueEnd(line, line[from:])
		}
		at = end
	}
	return out
}

// valueStart is where a line begins to give something that may be a secret; -1 for nowhere. The equals sign may be what is missing.
func (m masker) valueStart(line string, all bool) int {
	if all {
		return len(value.FindString(line))
	}
	for at := 0; at < len(line); {
		match := word.FindStringSubmatchIndex(line[at:])
		if match == nil {
			return -1
		}
		name, end := line[at+match[2]:at+match[3]], at+match[3]
		if (name == "default" || m.hides(name)) && !(m.blocks[name] && blockStart.MatchString(line[end:])) {
			for end < len(line) && strings.IndexByte("\"=: \t", line[end]) >= 0 {
				end++
			}
			return end
		}
		at = end
	}
	return -1
}

// valueEnd tells by which line a value is over that begins with rest, the end of line.
func valueEnd(line, rest string) func(string) bool {
	if h := heredoc.FindStringSubmatch(rest); h != nil {
		closed := false
		return func(next string) bool {
			over := closed
			closed = closed || strings.TrimSpace(next) == h[1]
			return over
		}
	}
	closer := map[string]string{"{": "}", "[": "]", "(": ")"}
	rest = strings.TrimSpace(rest)
	if want, ok := closer[rest[max(0, len(rest)-1):]]; ok {
		depth := indent(line)
		return func(next string) bool {
			return strings.HasPrefix(strings.TrimSpace(next), want) && indent(next) <= depth
		}
	}
	depth := indent(line)
	return func(next string) bool { return fresh.MatchString(next) && indent(next) <= depth }
}

// login is the user and password inside a URL.
var login = regexp.MustCompile(`://[^\s"/@]+@`)

// starLogins gives a copy of a source in which URLs hold no user and no password.
func starLogins(src []byte) []byte {
	out := slices.Clone(src)
	for _, at := range login.FindAllIndex(src, -1) {
		star(out[at[0]+len("://") : at[1]-1])
	}
	return out
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// parsed masks the literals of a file's attributes that may be secrets, and of the defaults of sensitive variables.
func (m masker) parsed(src []byte, body *hclsyntax.Body) []byte {
	var places []hcl.Range
	var visit func(b *hclsyntax.Body, kind string)
	visit = func(b *hclsyntax.Body, kind string) {
		for _, a := range b.Attributes {
			w := &literals{m: m, hidden: m.hides(a.Name) || kind == "variable" && a.Name == "default" && b.Attributes["sensitive"] != nil}
			_ = hclsyntax.Walk(a.Expr, w)
			places = append(places, w.found...)
		}
		for _, inner := range b.Blocks {
			visit(inner.Body, inner.Type)
		}
	}
	visit(body, "")
	out := starLogins(src)
	for _, at := range places {
		star(out[at.Start.Byte:min(at.End.Byte, len(out))])
	}
	return out
}

// literals finds the literals of an expression that are hidden: all of them, or those of a map's members with such names. What a function reads is named, not given.
type literals struct {
	m      masker
	hidden bool
	calls  int
	found  []hcl.Range
}

// Enter implements [hclsyntax.Walker].
func (w *literals) Enter(node hclsyntax.Node) hcl.Diagnostics {
	switch n := node.(type) {
	case *hclsyntax.FunctionCallExpr:
		if n.Name == "env" || n.Name == "secret_file" {
			w.calls++
		}
	case *hclsyntax.LiteralValueExpr:
		if w.hidden && w.calls == 0 && !n.Val.IsNull() {
			w.found = append(w.found, n.SrcRange)
		}
	case *hclsyntax.ScopeTraversalExpr:
		if w.hidden && w.calls == 0 && !w.m.roots[n.Traversal.RootName()] {
			w.found = append(w.found, n.SrcRange)
		}
	case *hclsyntax.ObjectConsExpr:
		for _, item := range n.Items {
			key, _ := item.KeyExpr.Value(nil)
			if isText(key) && w.m.hides(key.AsString()) && !w.hidden {
				inner := &literals{m: w.m, hidden: true}
				_ = hclsyntax.Walk(item.ValueExpr, inner)
				w.found = append(w.found, inner.found...)
			}
		}
	}
	return nil
}

// Exit implements [hclsyntax.Walker].
func (w *literals) Exit(node hclsyntax.Node) hcl.Diagnostics {
	if n, ok := node.(*hclsyntax.FunctionCallExpr); ok && (n.Name == "env" || n.Name == "secret_file") {
		w.calls--
	}
	return nil
}

// mask hides a value in the source that snippets are cut from. The parsed spec is not touched.
func (l *loader) mask(at hcl.Range) {
	file := l.src.files[at.Filename]
	if file == nil {
		return
	}
	masked := slices.Clone(file.Bytes)
	star(masked[at.Start.Byte:min(at.End.Byte, len(masked))])
	file.Bytes = masked
}

// masked says whether snippets hide a place.
func (l *loader) masked(at hcl.Range) bool {
	file := l.src.files[at.Filename]
	if file == nil || at.End.Byte > len(file.Bytes) || at.Empty() {
		return false
	}
	shown := file.Bytes[at.Start.Byte:at.End.Byte]
	return strings.Trim(string(shown), "*\" \t\r\n") == ""
}

// star puts stars for everything but space and quotes.
func star(b []byte) {
	for i, c := range b {
		if c != '\n' && c != '\r' && c != ' ' && c != '\t' && c != '"' {
			b[i] = '*'
		}
	}
}
