package neo4j

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// manualLine is one of testdata/privileges.txt, which says how to read it.
type manualLine struct {
	topic     string
	needs     Needs
	statement string
	rows      []string
	refused   bool
}

func manualLines(t *testing.T) []manualLine {
	t.Helper()
	data, err := os.ReadFile("testdata/privileges.txt")
	if err != nil {
		t.Fatal(err)
	}
	var lines []manualLine
	topic := ""
	for text := range strings.Lines(string(data)) {
		text = strings.TrimRight(text, "\n")
		line := manualLine{topic: topic}
		if rest, ok := strings.CutPrefix(text, "## "); ok {
			topic = rest
			continue
		}
		if rest, ok := strings.CutPrefix(text, "25"); ok {
			line.needs, text = NeedsCypher25, strings.TrimPrefix(rest, " ")
		} else if rest, ok := strings.CutPrefix(text, "26"); ok {
			line.needs, text = NeedsCalendar, strings.TrimPrefix(rest, " ")
		}
		switch {
		case text == "", text[0] == '#':
			continue
		case text[0] == ' ':
			lines[len(lines)-1].rows = append(lines[len(lines)-1].rows, strings.TrimSpace(text))
			continue
		case text[0] == '>':
			line.statement = text[2:]
		case text[0] == '!':
			line.statement, line.refused = text[2:], true
		default:
			line.statement, line.rows = text, []string{text}
		}
		lines = append(lines, line)
	}
	if len(lines) < 190 {
		t.Fatalf("%d lines", len(lines))
	}
	return lines
}

func commandRows(c Command) []string {
	var rows []string
	for _, a := range c.Atoms {
		rows = append(rows, string(c.Verb)+" "+a.String()+" "+c.Verb.preposition()+" "+quoteName(c.Role))
	}
	slices.Sort(rows)
	return rows
}

// What the manual shows parses, prints back and means what it says there.
func TestManual(t *testing.T) {
	for _, l := range manualLines(t) {
		c, err := ParseCommand(l.statement)
		switch {
		case l.refused && err == nil:
			t.Errorf("%s: %s is taken", l.topic, l.statement)
		case l.refused:
		case err != nil:
			t.Errorf("%s: %s: %v", l.topic, l.statement, err)
		default:
			slices.Sort(l.rows)
			if got := commandRows(c); !slices.Equal(got, l.rows) {
				t.Errorf("%s: %s\ngot  %q\nwant %q", l.topic, l.statement, got, l.rows)
			}
			for _, row := range l.rows {
				if again, err := ParseCommand(row); err != nil || !slices.Equal(commandRows(again), []string{row}) {
					t.Errorf("%s: %s prints back as %q, %v", l.topic, row, commandRows(again), err)
				}
			}
		}
	}
}

// The emulated server stores and prints the rows of the manual too.
func TestManualOnTheServer(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"5.26.30", "2026.08.1"} {
		r := newRig(t, withVersion(version))
		r.admin("CREATE DATABASE healthcare", "CREATE DATABASE `remote-db`", "CREATE DATABASE `a.b`", "CREATE DATABASE `*`")
		for _, l := range manualLines(t) {
			if strings.HasPrefix(l.statement, "REVOKE") {
				continue
			}
			r.admin("CREATE OR REPLACE ROLE r")
			before := r.holdingRows("r")
			before = append(before, r.holdingRows(publicRole)...)
			statement := l.statement
			if l.needs == NeedsCypher25 {
				statement = "CYPHER 25 " + statement
			}
			_, err := r.sys.client.query(t.Context(), r.sys.uri.String(), statement, nil)
			if l.refused || l.needs != NeedsNothing && version == "5.26.30" {
				if err == nil {
					t.Errorf("%s: %s: %s is taken", version, l.topic, statement)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %s: %v", version, l.topic, err)
				continue
			}
			for _, row := range append(r.holdingRows("r"), r.holdingRows(publicRole)...) {
				if i := slices.Index(l.rows, row); i >= 0 {
					l.rows = slices.Delete(l.rows, i, i+1)
				} else if !slices.Contains(before, row) {
					t.Errorf("%s: %s: %s gives %s too", version, l.topic, statement, row)
				}
			}
			if len(l.rows) > 0 {
				t.Errorf("%s: %s: %s does not give %q", version, l.topic, statement, l.rows)
			}
		}
	}
}

func (r *rig) holdingRows(role string) []string {
	var rows []string
	for _, row := range r.admin("SHOW ROLE " + quoteName(role) + " PRIVILEGES AS COMMANDS") {
		c, err := ParseCommand(row.text("command"))
		r.must(err)
		rows = append(rows, commandRows(c)...)
	}
	return rows
}

// TestOracleManual has a real server judge the manual's statements as they stand there.
func TestOracleManual(t *testing.T) {
	o := openOracle(t)
	for _, l := range manualLines(t) {
		statement := l.statement
		if l.needs == NeedsCypher25 && o.calendar {
			statement = "CYPHER 25 " + statement
		}
		switch v := o.ask(statement); {
		case l.refused || l.needs != NeedsNothing && !o.calendar:
			if v.taken {
				t.Errorf("%s: %s is taken", l.topic, statement)
			}
		case !v.taken:
			t.Errorf("%s: %s\nthe server says %s: %s", l.topic, statement, v.code, v.words)
		}
	}
}
