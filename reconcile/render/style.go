package render

import (
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// Style says how text is shown. The zero Style is plain text for 80 columns.
type Style struct {
	Color   bool // ANSI colours; the caller knows whether the writer is a terminal and what NO_COLOR says
	Width   int  // columns to wrap and align to; 0 is 80. Nothing is cut to fit: a long name makes a long line
	Verbose bool // also what did not change, and lists in full
	// Connections are the named connections, neo4j.eu, that hops which are shown one at a time may carry: their column is wide enough for all of them.
	Connections []string
	// Files are the spec's sources by name, for the lines that checks are about; a place whose file is missing is named without its line.
	Files map[string]*hcl.File
}

const defaultWidth = 80

// Colour profiles of lipgloss, which numbers them: 2 has the sixteen colours that every terminal theme defines, 3 has none.
const (
	sixteenColours = 2
	noColours      = 3
)

// page collects a text, so that it reaches the writer in one piece and only its owner has to look at an error.
type page struct {
	w       io.Writer
	text    strings.Builder
	width   int
	verbose bool
	files   map[string]*hcl.File
	hops    int // columns of the names of hops

	added, changed, removed, loud, faint lipgloss.Style
}

func newPage(w io.Writer, s Style) *page {
	r := lipgloss.NewRenderer(w)
	r.SetColorProfile(noColours)
	if s.Color {
		r.SetColorProfile(sixteenColours)
	}
	p := &page{
		w: w, width: s.Width, verbose: s.Verbose, files: s.Files, hops: hopColumn(s.Connections),
		added:   r.NewStyle().Foreground(lipgloss.Color("2")),
		changed: r.NewStyle().Foreground(lipgloss.Color("3")),
		removed: r.NewStyle().Foreground(lipgloss.Color("1")),
		loud:    r.NewStyle().Bold(true),
		faint:   r.NewStyle().Faint(true),
	}
	if p.width <= 0 {
		p.width = defaultWidth
	}
	return p
}

// line writes the parts and ends the line; blanks at its end are left out.
func (p *page) line(parts ...string) {
	p.text.WriteString(strings.TrimRight(strings.Join(parts, ""), " "))
	p.text.WriteByte('\n')
}

// gap separates what follows from what stands on the page, if anything does, by an empty line.
func (p *page) gap() {
	if s := p.text.String(); s != "" && !strings.HasSuffix(s, "\n\n") {
		p.text.WriteByte('\n')
	}
}

// flush hands the page to the writer.
func (p *page) flush() error {
	_, err := io.WriteString(p.w, p.text.String())
	return err
}

// rows writes a table, see aligned.
func (p *page) rows(indent string, gap int, rows [][]string) {
	for _, l := range aligned(gap, rows) {
		p.line(indent, l)
	}
}

// aligned are the lines of a table: columns as wide as their widest cell, gap blanks between them.
func aligned(gap int, rows [][]string) []string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	lines := make([]string, len(rows))
	for n, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			b.WriteString(cell)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-lipgloss.Width(cell)+gap))
			}
		}
		lines[n] = b.String()
	}
	return lines
}

// placed writes a line with a place of the spec at the right margin, or two blanks after the text where both do not fit.
func (p *page) placed(text, place string) {
	if place == "" {
		p.line(text)
		return
	}
	blanks := max(2, p.width-lipgloss.Width(text)-lipgloss.Width(place))
	p.line(text, strings.Repeat(" ", blanks), p.faint.Render(place))
}

// glyph is an action's sign in its colour.
func (p *page) glyph(a reconcile.Action) string { return p.ink(a).Render(string(rune(a))) }

func (p *page) ink(a reconcile.Action) lipgloss.Style {
	switch a {
	case reconcile.ActionCreate:
		return p.added
	case reconcile.ActionDelete:
		return p.removed
	}
	return p.changed
}

// wrap breaks text into lines of at most width columns at sep, which stays at the end of the line it ends. A piece that is wider stands alone, uncut.
func wrap(text, sep string, width int) []string { return fill(strings.SplitAfter(text, sep), width) }

// fill puts pieces of text into lines, as wrap does.
func fill(pieces []string, width int) []string {
	var lines []string
	line := ""
	for _, piece := range pieces {
		if line != "" && lipgloss.Width(line)+lipgloss.Width(strings.TrimRight(piece, " ")) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		line += piece
	}
	return append(lines, strings.TrimRight(line, " "))
}

// clauses breaks a text behind its commas, semicolons and full stops.
func clauses(text string) []string {
	var pieces []string
	for rest := text; ; {
		end := len(rest)
		for _, sep := range []string{", ", "; ", ". "} {
			if i := strings.Index(rest, sep); i >= 0 {
				end = min(end, i+len(sep))
			}
		}
		if pieces = append(pieces, rest[:end]); end == len(rest) {
			return pieces
		}
		rest = rest[end:]
	}
}

// hanging writes pieces of text behind a label, in lines that fit; those behind the first begin under the first piece. ink is for the label.
func (p *page) hanging(label string, ink lipgloss.Style, pieces []string) {
	in := lipgloss.Width(label)
	for i, l := range fill(pieces, p.width-in) {
		if i == 0 {
			p.line(ink.Render(label), l)
			continue
		}
		p.line(strings.Repeat(" ", in), l)
	}
}
