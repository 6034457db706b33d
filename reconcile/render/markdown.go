package render

import (
	"fmt"
	"html"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// commentLimit is how long the body of a comment may be on GitHub: 65,536 characters. Bytes are counted here, of which there are never fewer.
const commentLimit = 65536

// pieceLimit is the length in bytes at which a single text is cut, so that one hostile name cannot push everything else off the page.
const pieceLimit = 1000

// markdown collects a text for a pull request or an issue. What came from outside stands in it in two forms only, in which neither Markdown nor the host's own
// additions (mentions, references, emoji, links, formulas) are read: between backticks, more of them than the text has, or as escaped HTML inside a code element.
type markdown struct {
	text  strings.Builder
	limit int // in bytes
}

// tail is what is kept free for the last words, which say what was left out.
const tail = 400

func newMarkdown() *markdown { return &markdown{limit: commentLimit - tail} }

func (m *markdown) bytes() []byte { return []byte(m.text.String()) }

// room says whether a text still fits.
func (m *markdown) room(s string) bool { return m.text.Len()+len(s) <= m.limit }

// para writes a paragraph of our own words.
func (m *markdown) para(s string) { m.text.WriteString(s + "\n\n") }

// list writes a heading and items of at most share bytes, and counts what did not fit as "and 12 more accounts". It writes nothing when there are no items.
func (m *markdown) list(heading string, items []string, noun string, share int) {
	if len(items) == 0 {
		return
	}
	m.para("#### " + heading)
	end := min(m.limit, m.text.Len()+share)
	for i, item := range items {
		if m.text.Len()+len(item)+len("- \n") > end {
			m.text.WriteString("- and " + Count(len(items)-i, "more "+noun) + "\n")
			break
		}
		m.text.WriteString("- " + item + "\n")
	}
	m.text.WriteByte('\n')
}

// sections writes texts one after the other while they fit. cut tells how many did not.
func (m *markdown) sections(all []string, cut func(n int) string) {
	for i, s := range all {
		if !m.room(s) {
			m.para(cut(len(all) - i))
			return
		}
		m.text.WriteString(s)
	}
}

// folded is a text behind a line that opens it. The title is HTML, the body stands in a code block; one that is longer than share bytes is cut at the end of a line.
func folded(title, info, body string, share int) string {
	body = cutLines(body, share)
	if body == "" {
		return "<details><summary>" + title + "</summary></details>\n\n"
	}
	fence := strings.Repeat("`", max(3, longestRun(body)+1))
	return "<details><summary>" + title + "</summary>\n\n" + fence + info + "\n" + body + fence + "\n\n</details>\n\n"
}

// cutLines keeps the lines of a text that fit into n bytes, each of a bearable length, and says how many more there are.
func cutLines(s string, n int) string {
	if s == "" {
		return ""
	}
	var b strings.Builder
	ls := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i, l := range ls {
		l = clip(l)
		if b.Len()+len(l)+1 > n {
			fmt.Fprintf(&b, "and %s\n", Count(len(ls)-i, "more line"))
			break
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

// clip cuts a single text that is longer than anybody reads, between two characters, and says what is missing.
func clip(s string) string {
	if len(s) <= pieceLimit {
		return s
	}
	end := pieceLimit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + fmt.Sprintf("… (%d more characters)", utf8.RuneCountInString(s[end:]))
}

// codeSpan is a text from outside inside a line of Markdown.
func codeSpan(s string) string {
	s = clip(Escape(s))
	if s == "" {
		return "(empty)"
	}
	ticks := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
		s = " " + s + " " // of which one at each end is taken off again
	}
	return ticks + s + ticks
}

// words is a sentence of ours into which names from outside may have come: what is more than letters and digits stands in it as code.
func words(s string) string {
	var out, outside []string
	flush := func() {
		if len(outside) == 0 {
			return
		}
		name := strings.Join(outside, " ")
		bare := strings.TrimRight(name, ".,:;")
		if bare == "" {
			bare = name
		}
		out, outside = append(out, codeSpan(bare)+name[len(bare):]), nil
	}
	for _, token := range strings.Split(clip(Escape(s)), " ") {
		if plain(strings.TrimRight(token, ".,:;")) {
			flush()
			out = append(out, token)
			continue
		}
		outside = append(outside, token)
	}
	flush()
	return strings.Join(out, " ")
}

// plain says whether Markdown, and what hosts add to it, sees nothing in a text but the text: a dot makes a link of it, a colon an emoji.
func plain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) < 0
}

// codeHTML is a text from outside inside of HTML.
func codeHTML(s string) string { return "<code>" + html.EscapeString(clip(Escape(s))) + "</code>" }

// longestRun is the length of the longest run of backticks.
func longestRun(s string) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// block is what write puts on a plain page, without the two blanks that steps are indented by, so that signs stand at the start of a line.
func block(write func(*page)) string {
	pg := newPage(io.Discard, Style{Width: 100})
	write(pg)
	var b strings.Builder
	for _, l := range strings.SplitAfter(pg.text.String(), "\n") {
		b.WriteString(strings.TrimPrefix(l, "  "))
	}
	return b.String()
}
