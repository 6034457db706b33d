package neo4j

import (
	"bytes"
	"fmt"
	"strings"
)

// ConfLine is one setting of neo4j.conf.
type ConfLine struct {
	Key, Value string
}

// ConfEntry is a setting as it stands in the file.
type ConfEntry struct {
	ConfLine
	Line    int  // the line it begins on, from 1
	Managed bool // it stands inside Keymaker's block
}

// Conf is what a neo4j.conf says.
type Conf struct {
	Entries  []ConfEntry // in the order of the file, duplicates and all
	HasBlock bool        // the file has Keymaker's block, empty or not
}

// Managed returns the settings inside Keymaker's block.
func (c Conf) Managed() []ConfLine {
	var out []ConfLine
	for _, e := range c.Entries {
		if e.Managed {
			out = append(out, e.ConfLine)
		}
	}
	return out
}

// Lookup returns the first setting of that name.
func (c Conf) Lookup(key string) (ConfEntry, bool) {
	for _, e := range c.Entries {
		if e.Key == key {
			return e, true
		}
	}
	return ConfEntry{}, false
}

// ConfError is a neo4j.conf, or a setting for it, that Keymaker does not write. Line counts from 1; 0 means no line of the file.
type ConfError struct {
	Line   int
	Reason string
}

// Error names the line.
func (e *ConfError) Error() string {
	if e.Line == 0 {
		return "neo4j.conf: " + e.Reason
	}
	return fmt.Sprintf("neo4j.conf line %d: %s", e.Line, e.Reason)
}

// The marks around Keymaker's lines. A file is searched for the first words only, so that the rest may be reworded.
const (
	confBegin     = "# BEGIN keymaker"
	confEnd       = "# END keymaker"
	confBeginLine = confBegin + ": written by keymaker apply. Changes between these two lines are lost."
	confEndLine   = confEnd
)

// ReadConf reads a neo4j.conf (Operations Manual, "The neo4j.conf file"), which Neo4j loads as Java properties: # and ! begin a comment at the start of a
// line only, a backslash at the end of a line continues it, and the first =, : or blank ends the key. Bytes that are not ASCII are kept as they are:
// whether they are ISO 8859-1 or UTF-8 depends on NEO4J_CONFIG_FILE_CHARSET of the server. An error is a *ConfError about the marks of Keymaker's block.
func ReadConf(data []byte) (Conf, error) {
	c, _, err := scanConf(data)
	return c, err
}

// span is a part of the file in bytes.
type span struct{ start, end int }

// scanConf reads the file, and finds the block with its marks and the end of its last line.
func scanConf(data []byte) (Conf, span, error) {
	var c Conf
	var block span
	inside, beginLine := false, 0
	s := confScanner{data: data}
	for s.next() {
		switch {
		case s.isMark(confBegin):
			if c.HasBlock {
				return c, block, &ConfError{s.line, fmt.Sprintf("a second block begins here; the first is on line %d. Remove one", beginLine)}
			}
			c.HasBlock, inside, beginLine, block.start = true, true, s.line, s.start
		case s.isMark(confEnd):
			if !inside {
				return c, block, &ConfError{s.line, "a block ends here that does not begin. If the line before its beginning ends with a backslash, remove that"}
			}
			inside, block.end = false, s.end
		case !s.comment:
			key, value := splitProperty(s.text)
			c.Entries = append(c.Entries, ConfEntry{ConfLine{key, value}, s.line, inside})
		}
	}
	if inside {
		return c, block, &ConfError{beginLine, "the block that begins here does not end: the line \"" + confEndLine + "\" is missing, or the line before it ends with a backslash"}
	}
	return c, block, nil
}

// RewriteConf returns the file with lines as the content of Keymaker's block: replaced where the block stands, appended where there is none, and taken out
// with no lines. Every byte outside the block stays. It refuses, with a *ConfError, a key that also stands outside the block, since Neo4j does not start
// with a duplicate, and values that the file cannot hold for sure.
func RewriteConf(old []byte, lines []ConfLine) ([]byte, error) {
	c, block, err := scanConf(old)
	if err != nil {
		return nil, err
	}
	if err := checkConfLines(lines, c); err != nil {
		return nil, err
	}
	if !c.HasBlock && len(lines) == 0 {
		return bytes.Clone(old), nil
	}
	before, after := old, []byte(nil)
	if c.HasBlock {
		before, after = old[:block.start], old[block.end:]
	}
	newline := lineEnding(old)
	// A file whose last line had no line end gets its block without one too: that is how the line end before such a block is known to be ours.
	open := c.HasBlock && !endsLine(old[block.start:block.end]) || !c.HasBlock && len(old) > 0 && !endsLine(old)
	if len(lines) == 0 {
		if open {
			before = trimLineEnd(before)
		}
		return append(bytes.Clone(before), after...), nil
	}
	if !c.HasBlock && endsContinued(old) {
		return nil, &ConfError{bytes.Count(trimLineEnd(old), []byte("\n")) + 1, "the last line ends with a backslash and would swallow what is appended. Remove the backslash"}
	}
	out := bytes.NewBuffer(bytes.Clone(before))
	if open && !c.HasBlock {
		out.WriteString(newline)
	}
	out.WriteString(confBeginLine + newline)
	for _, l := range lines {
		out.WriteString(l.Key + "=" + l.Value + newline)
	}
	out.WriteString(confEndLine)
	if !open {
		out.WriteString(newline)
	}
	out.Write(after)
	return out.Bytes(), nil
}

func checkConfLines(lines []ConfLine, c Conf) error {
	outside, seen := map[string]int{}, map[string]bool{}
	for _, e := range c.Entries {
		if !e.Managed && outside[e.Key] == 0 {
			outside[e.Key] = e.Line
		}
	}
	for _, l := range lines {
		if err := checkConfLine(l); err != nil {
			return err
		}
		if seen[l.Key] {
			return &ConfError{0, l.Key + " is to be written twice"}
		}
		seen[l.Key] = true
		if at := outside[l.Key]; at != 0 {
			return &ConfError{at, l.Key + " also stands here, outside Keymaker's block, and Neo4j does not start with a duplicate. Remove it here"}
		}
	}
	return nil
}

// checkConfLine refuses what Neo4j could read as something else.
func checkConfLine(l ConfLine) error {
	refuse := func(reason string) error { return &ConfError{0, l.Key + ": " + reason} }
	for _, r := range l.Key {
		if r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return &ConfError{0, fmt.Sprintf("setting name %q: only ASCII letters, digits, dots, dashes and underscores can be written", l.Key)}
		}
	}
	switch v := l.Value; {
	case l.Key == "":
		return &ConfError{0, "the setting name is empty"}
	case strings.ContainsRune(v, '\\'):
		return refuse("a value with a backslash cannot be written: the file reads it as an escape")
	case hasControl(v):
		return refuse("a value with a line break or another control character cannot be written")
	case v != strings.TrimSpace(v):
		return refuse("a value with blanks at its ends cannot be written: the file does not keep them")
	case strings.HasPrefix(v, "$("):
		return refuse("a value that begins with $( would be run as a command")
	case strings.IndexFunc(v, func(r rune) bool { return r > '~' }) >= 0:
		return refuse("only ASCII can be written: whether Neo4j reads the file as ISO 8859-1 or UTF-8 depends on its environment")
	}
	return nil
}
