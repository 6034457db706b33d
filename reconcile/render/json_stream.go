package render

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// jsonStream writes one JSON document member by member, laid out as [document] lays out a whole one. After an error it writes nothing more.
type jsonStream struct {
	w     *bufio.Writer
	depth int
	first bool // nothing stands in the innermost object or list yet
	err   error
	buf   bytes.Buffer
}

func newJSONStream(w io.Writer) *jsonStream { return &jsonStream{w: bufio.NewWriterSize(w, 64<<10)} }

func (s *jsonStream) text(text string) {
	if s.err == nil {
		_, s.err = s.w.WriteString(text)
	}
}

// line begins the next member of what is open.
func (s *jsonStream) line() {
	if !s.first {
		s.text(",")
	}
	s.first = false
	s.text("\n" + strings.Repeat("  ", s.depth))
}

func (s *jsonStream) open() { s.begin("{") }

func (s *jsonStream) begin(bracket string) {
	s.text(bracket)
	s.depth++
	s.first = true
}

func (s *jsonStream) close() { s.finish("}") }

func (s *jsonStream) finish(bracket string) {
	s.depth--
	if !s.first {
		s.text("\n" + strings.Repeat("  ", s.depth))
	}
	s.text(bracket)
	s.first = false
}

// name begins a member of an object; its value follows.
func (s *jsonStream) name(name string) {
	s.line()
	s.text(fmt.Sprintf("%q: ", name))
}

func (s *jsonStream) field(name string, v any) {
	s.name(name)
	s.value(v)
}

// value writes one value whole.
func (s *jsonStream) value(v any) {
	s.buf.Reset()
	enc := json.NewEncoder(&s.buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent(strings.Repeat("  ", s.depth), "  ")
	if err := enc.Encode(v); err != nil && s.err == nil {
		s.err = fmt.Errorf("render JSON: %w", err)
	}
	if s.err == nil {
		_, s.err = s.w.Write(printable(bytes.TrimSuffix(s.buf.Bytes(), []byte("\n"))))
	}
}

// list writes a member that is a list, one element after the other.
func list[T any](s *jsonStream, name string, elements []T, as func(T) any) {
	s.name(name)
	s.begin("[")
	for _, e := range elements {
		s.line()
		s.value(as(e))
	}
	s.finish("]")
}

// end writes the last line break, and what is still held.
func (s *jsonStream) end() error {
	s.text("\n")
	if s.err == nil {
		s.err = s.w.Flush()
	}
	return s.err
}
