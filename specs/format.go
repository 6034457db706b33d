package specs

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// maxPasses is how often the formatter runs over its own output until that stays the same; two are enough for all that is known.
const maxPasses = 5

// Format gives a file its canonical layout: indentation, aligned equals signs, spaces, a newline at the end. Comments stay. Formatting twice is the same as
// once, and the tokens stay what they are. Lines keep their ends, those of Windows too; a byte order mark goes. A file that does not parse comes back as it is, with the diagnostics that say why.
func Format(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	if len(src) > maxSource {
		return src, hcl.Diagnostics{placeless("File not readable", "%s: %s.", filename, errTooLarge)}
	}
	if d := tooMuch(src, filename, words(src)); d != nil {
		return src, hcl.Diagnostics{d}
	}
	if _, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos); diags.HasErrors() {
		return src, tidy(diags)
	}
	out := src
	for range maxPasses {
		next := layout(out)
		if bytes.Equal(next, out) {
			return out, nil
		}
		out = next
	}
	return src, hcl.Diagnostics{placeless("File cannot be formatted", "%s: its layout does not settle. The file is left as it is.", filename)}
}

// layout is one pass; a pass that would change more than space changes nothing.
func layout(src []byte) []byte {
	out := bytes.TrimRight(hclwrite.Format(src), " \t\r\n")
	if len(out) > 0 {
		out = append(out, lineEnd(src)...)
	}
	if !sameTokens(src, out) {
		return src
	}
	return out
}

// lineEnd is the end of a file's first line.
func lineEnd(src []byte) string {
	if i := bytes.IndexByte(src, '\n'); i > 0 && src[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// sameTokens says whether two sources differ only in space and empty lines.
func sameTokens(a, b []byte) bool {
	x, y := visible(a), visible(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].Type != y[i].Type || !bytes.Equal(bytes.TrimSpace(x[i].Bytes), bytes.TrimSpace(y[i].Bytes)) {
			return false
		}
	}
	return true
}

func visible(src []byte) hclsyntax.Tokens {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	var out hclsyntax.Tokens
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenNewline && t.Type != hclsyntax.TokenEOF {
			out = append(out, t)
		}
	}
	return out
}
