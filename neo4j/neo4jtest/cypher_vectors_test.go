package neo4jtest

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// TestGrammarVectors compares the parser with what real servers took and refused: 743 statements, three columns.
func TestGrammarVectors(t *testing.T) {
	file, err := os.Open("testdata/neo4j-grammar.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	dialects := []dialect{{language: 5}, {calendar: true, language: 5}, {calendar: true, language: 25}}
	checked := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.SplitN(line, "\t", 4)
		for i, d := range dialects {
			_, _, failure := parseStatement(f[3], d)
			// "sem" is a text that parses and is refused later.
			if got, want := failure == nil, f[i] != "no"; got != want {
				t.Errorf("%+v: %s\n\tgot accepted=%v (%v), want %v", d, f[3], got, failure, want)
			}
			if failure != nil && failure.code != "" {
				t.Errorf("%+v: %s: refused with code %s, want a SyntaxError", d, f[3], failure.code)
			}
			checked++
		}
	}
	if checked != 3*743 {
		t.Errorf("checked %d verdicts, want %d", checked, 3*743)
	}
}
