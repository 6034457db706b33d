package neo4jtest

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// FuzzParse looks for panics: everything is accepted or refused with a place inside the text.
func FuzzParse(f *testing.F) {
	file, err := os.Open("testdata/neo4j-grammar.tsv")
	if err != nil {
		f.Fatal(err)
	}
	defer file.Close()
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); n++ {
		if parts := strings.SplitN(lines.Text(), "\t", 4); len(parts) == 4 && n%7 == 0 {
			f.Add(parts[3])
		}
	}
	for _, seed := range []string{"RETURN 1 AS `a\\u0060", "MATCH (a)-[r:T]->(b {p: [x IN [1] WHERE x > 0 | x]}) RETURN count(DISTINCT a)", "((((((((", "\\u", "'", "`", "/*", "CYPHER", "$"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range []dialect{{language: 5}, {calendar: true, language: 25}} {
			stmt, src, failure := parseStatement(text, d)
			if (stmt == nil) == (failure == nil) {
				t.Fatalf("%q: neither accepted nor refused", text)
			}
			if failure != nil && failure.failure(d, src).Message == "" {
				t.Errorf("%q: refused without a word", text)
			}
		}
		_ = maskSecrets(text)
	})
}

// FuzzQuotedNameStaysName holds the rule for names: backticks doubled and backslashes written \u005c, whatever is inside is the name and nothing else.
func FuzzQuotedNameStaysName(f *testing.F) {
	for _, seed := range []string{"a", "`", "a\\u0060 TO admin //", "\\", "\\\\u0060", "a`` b", "", "\\u005cu0060", "'", "\"", "/*", "é\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ToValidUTF8(text, "") != text {
			t.Skip("not text")
		}
		stmt, _, failure := parseStatement("GRANT TRAVERSE ON GRAPH * NODE "+quoteName(text)+" TO "+quoteName(text), dialect{language: 5})
		if failure != nil {
			t.Fatalf("%q: %v", text, failure)
		}
		cmd, ok := stmt.cmd.(privilegeCmd)
		if !ok || len(cmd.roles) != 1 || cmd.roles[0].text != text || len(cmd.privilege.entities) != 1 || cmd.privilege.entities[0].name.text != text {
			t.Errorf("%q came back as %+v", text, stmt.cmd)
		}
	})
}

// TestNestingEnds reads texts that a parser which tries twice at every level would not get through.
func TestNestingEnds(t *testing.T) {
	for _, piece := range []string{"[x IN ", "(", "[", "{a: ", "NOT ", "-", "CASE WHEN ", "any(x IN "} {
		text := "RETURN " + strings.Repeat(piece, 5000)
		if _, _, failure := parseStatement(text, dialect{language: 5}); failure == nil {
			t.Errorf("%q…: accepted", piece)
		}
	}
}

func TestEscapesAreDecodedFirst(t *testing.T) {
	for text, want := range map[string]string{
		"RETURN 1 AS `a\\u0060":        "a",
		"RETURN 1 AS `a\\u005cu0060b`": "a\\u0060b",
		"RETURN 1 AS `a\\\\u0060`":     "a\\\\u0060",
		"RETURN 1 AS \\u0061":          "a",
	} {
		stmt, _, failure := parseStatement(text, dialect{language: 5})
		if failure != nil {
			t.Errorf("%s: %v", text, failure)
			continue
		}
		c := stmt.cmd.(queryCmd).clauses[0].(returnClause)
		if got := c.projection.items[0].alias; got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	if _, _, failure := parseStatement("RETURN 'a\\u0027", dialect{language: 5}); failure != nil {
		t.Errorf("an escape closes a string: %v", failure)
	}
}
