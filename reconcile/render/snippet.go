package render

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
	"github.com/hashicorp/hcl/v2"
)

// snippet is a line of a spec with a part of it that is meant.
type snippet struct {
	number     int
	code       string // the line, without its end
	start, end int    // the part, as offsets into code; equal when it has no length
	context    string // the header of the block around it, "" outside of blocks
}

// snippetOf finds the line that a range starts on. ok is false when the file is not among files or the range does not lie in it.
func snippetOf(r hcl.Range, files map[string]*hcl.File) (s snippet, ok bool) {
	f := files[r.Filename]
	if f == nil || r.Start.Line < 1 || r.Start.Byte < 0 || r.Start.Byte > len(f.Bytes) || r.End.Byte < r.Start.Byte {
		return s, false
	}
	from := bytes.LastIndexByte(f.Bytes[:r.Start.Byte], '\n') + 1
	to := len(f.Bytes)
	if i := bytes.IndexByte(f.Bytes[r.Start.Byte:], '\n'); i >= 0 {
		to = r.Start.Byte + i
	}
	s.number = r.Start.Line
	s.code = strings.TrimRight(string(f.Bytes[from:to]), "\r")
	s.start = min(r.Start.Byte-from, len(s.code))
	s.end = min(r.End.Byte-from, len(s.code))
	s.context = contextOf(f, r.Start.Byte)
	return s, true
}

// contextOf is the header of the top-level block around an offset, as HCL's own navigation data has it.
func contextOf(f *hcl.File, offset int) string {
	nav, ok := f.Nav.(interface{ ContextString(offset int) string })
	if !ok {
		return ""
	}
	return nav.ContextString(offset)
}

// snippet writes where a range is, its line, and carets under the part that is meant. A range whose file is not at hand is named without its line.
func (pg *page) snippet(r hcl.Range, files map[string]*hcl.File, carets bool) {
	if r.Filename == "" {
		return
	}
	s, ok := snippetOf(r, files)
	pg.gap()
	where := fmt.Sprintf("  on %s line %d", Escape(r.Filename), r.Start.Line)
	if s.context != "" {
		where += ", in " + Escape(s.context)
	}
	if !ok {
		pg.line(where)
		return
	}
	pg.line(where, ":")
	prefix := fmt.Sprintf("  %d: ", s.number)
	before, part, after := code(s.code[:s.start]), code(s.code[s.start:s.end]), code(s.code[s.end:])
	pg.line(prefix, before, pg.loud.Render(part), after)
	if carets {
		blanks := len(prefix) + lipgloss.Width(before)
		pg.line(strings.Repeat(" ", blanks), pg.removed.Render(strings.Repeat("^", max(1, lipgloss.Width(strings.TrimRight(part, " "))))))
	}
}

// code is a piece of source as it is shown: a tab takes four columns wherever it stands, and what does not print is spelled out, so that every column
// under it can be counted.
func code(s string) string {
	s = strings.ReplaceAll(s, "\t", "    ")
	if !utf8.ValidString(s) || !clean(s) {
		return Escape(s)
	}
	return s
}
