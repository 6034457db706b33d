package planfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// canonicalJSON sorts the members of objects and takes out blanks; of members with one name the last counts. It holds the text twice, and no tree of it: a plan of
// thousands of changes is as long as a book.
func canonicalJSON(text []byte) ([]byte, error) {
	c := canonical{in: json.NewDecoder(bytes.NewReader(text)), out: bytes.NewBuffer(make([]byte, 0, len(text)+1))}
	c.in.UseNumber()
	c.words = json.NewEncoder(c.out)
	c.words.SetEscapeHTML(false)
	if err := c.value(); err != nil {
		return nil, err
	}
	if _, err := c.in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind its end")
	}
	return c.out.Bytes(), nil
}

// canonical writes what it reads.
type canonical struct {
	in    *json.Decoder
	out   *bytes.Buffer
	words *json.Encoder // to out
}

// member is where a member of an object stands in what was written.
type member struct {
	name       string
	start, end int
}

func (c canonical) value() error {
	token, err := c.in.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		return c.list()
	case json.Delim('{'):
		return c.object()
	}
	return c.plain(token)
}

// plain writes a text, a number, a flag, null, or the bracket at an end.
func (c canonical) plain(token json.Token) error {
	if d, ok := token.(json.Delim); ok {
		return fmt.Errorf("%s stands where a value should", d)
	}
	err := c.words.Encode(token)
	if err == nil {
		c.out.Truncate(c.out.Len() - 1) // the encoder ends a line
	}
	return err
}

func (c canonical) list() error {
	c.out.WriteByte('[')
	for first := true; c.in.More(); first = false {
		if !first {
			c.out.WriteByte(',')
		}
		if err := c.value(); err != nil {
			return err
		}
	}
	c.out.WriteByte(']')
	_, err := c.in.Token()
	return err
}

func (c canonical) object() error {
	c.out.WriteByte('{')
	var members []member
	begin := c.out.Len()
	for c.in.More() {
		token, err := c.in.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder takes nothing else there
		m := member{name: name, start: c.out.Len()}
		if err := c.plain(name); err != nil {
			return err
		}
		c.out.WriteByte(':')
		if err := c.value(); err != nil {
			return err
		}
		m.end = c.out.Len()
		c.out.WriteByte(',')
		members = append(members, m)
	}
	c.arrange(begin, members)
	c.out.WriteByte('}')
	_, err := c.in.Token()
	return err
}

// arrange puts the members of an object, which stand at the end of what was written with a comma behind each, in order, and takes the last comma away.
func (c canonical) arrange(begin int, members []member) {
	byName := func(a, b member) int { return strings.Compare(a.name, b.name) }
	if len(members) > 0 {
		c.out.Truncate(c.out.Len() - 1)
	}
	if slices.IsSortedFunc(members, byName) && !twice(members) {
		return
	}
	was := slices.Clone(c.out.Bytes()[begin:])
	slices.SortStableFunc(members, byName)
	c.out.Truncate(begin)
	for i, m := range members {
		if i+1 < len(members) && members[i+1].name == m.name {
			continue
		}
		c.out.Write(was[m.start-begin : m.end-begin])
		c.out.WriteByte(',')
	}
	c.out.Truncate(c.out.Len() - 1)
}

// twice says whether two members that stand beside each other have one name.
func twice(members []member) bool {
	for i := 1; i < len(members); i++ {
		if members[i].name == members[i-1].name {
			return true
		}
	}
	return false
}
