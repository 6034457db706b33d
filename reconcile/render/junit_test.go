package render

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// junitForm is what each element may hold, as the schema junit-10.xsd of Jenkins's xunit plugin has it, as far as reports here use it: attributes (those with ! must be there),
// and elements. Text is for the elements without an entry in parents.
var junitForm = map[string]struct{ attributes, elements string }{
	"testsuites": {"name time tests failures disabled errors", "testsuite"},
	"testsuite":  {"name tests! failures errors time disabled skipped skips timestamp hostname id package assertions file skip log url", "testsuite properties testcase system-out system-err"},
	"testcase":   {"name! assertions time timestamp classname status class file line log group url", "skipped error failure rerunFailure rerunError system-out system-err"},
	"failure":    {"type message", ""},
	"error":      {"type message", ""},
	"skipped":    {"type message", ""},
	"system-out": {"", ""},
	"system-err": {"", ""},
}

// strictJUnit reads a report as the schema wants it, and counts again what it says of itself.
func strictJUnit(doc []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(doc))
	dec.Strict = true
	var path []string
	var suite map[string]int
	said := make(map[string]string)
	total := make(map[string]int)
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if err := junitElement(path, tok); err != nil {
				return err
			}
			name := tok.Name.Local
			path = append(path, name)
			switch name {
			case "testsuite":
				suite = make(map[string]int)
				for _, a := range tok.Attr {
					said[a.Name.Local] = a.Value
				}
			case "testcase":
				suite["tests"]++
			case "failure", "error":
				suite[name+"s"]++
			case "skipped":
				suite[name]++
			}
			if name == "testsuites" {
				for _, a := range tok.Attr {
					if n, err := strconv.Atoi(a.Value); err == nil {
						total[a.Name.Local] -= n
					}
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
			if tok.Name.Local != "testsuite" {
				continue
			}
			for _, what := range []string{"tests", "failures", "errors", "skipped"} {
				if got := fmt.Sprint(suite[what]); said[what] != got {
					return fmt.Errorf("a suite says %s %s, and has %s", what, said[what], got)
				}
				total[what] += suite[what]
			}
		case xml.CharData:
			in := path[max(0, len(path)-1):]
			if text := strings.TrimSpace(string(tok)); text != "" && (len(in) == 0 || junitForm[in[0]].elements != "") {
				return fmt.Errorf("text %q in %q", text, path)
			}
		}
	}
	delete(total, "skipped")
	for what, n := range total {
		if n != 0 {
			return fmt.Errorf("the root's %s differ by %d from the suites'", what, n)
		}
	}
	return nil
}

// junitElement checks one element: where it stands, and its attributes.
func junitElement(path []string, e xml.StartElement) error {
	name := e.Name.Local
	form, known := junitForm[name]
	switch {
	case !known || e.Name.Space != "":
		return fmt.Errorf("there is no element %s", name)
	case len(path) == 0 && name != "testsuites" && name != "testsuite":
		return fmt.Errorf("the root is %s", name)
	case len(path) > 0 && !slices.Contains(strings.Fields(junitForm[path[len(path)-1]].elements), name):
		return fmt.Errorf("%s stands in %s", name, path[len(path)-1])
	}
	var has []string
	for _, a := range e.Attr {
		has = append(has, a.Name.Local)
		if fields := strings.Fields(form.attributes); !slices.Contains(fields, a.Name.Local) && !slices.Contains(fields, a.Name.Local+"!") {
			return fmt.Errorf("%s has no attribute %s", name, a.Name.Local)
		}
	}
	for _, a := range strings.Fields(form.attributes) {
		if must, is := strings.CutSuffix(a, "!"); is && !slices.Contains(has, must) {
			return fmt.Errorf("%s lacks %s", name, must)
		}
	}
	return nil
}

// Every JUnit report is what the strictest reader takes, and what is wrong is found.
func TestJUnitForm(t *testing.T) {
	docs := make(map[string][]byte)
	for name, ps := range proofs() {
		doc, err := ProofsJUnit(ps)
		if err != nil {
			t.Fatal(err)
		}
		docs["proof "+name] = doc
	}
	for name, f := range findings(t) {
		doc, err := DriftJUnit(f)
		if err != nil {
			t.Fatal(err)
		}
		docs["drift "+name] = doc
	}
	for name, doc := range docs {
		if err := strictJUnit(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for from, to := range map[string]string{
		`<testsuites `: `<testsuites skipped="2" `, `failures="1"`: `failures="2"`, `<failure `: `<failed `, `</testcase>`: `x</testcase>`, ` tests="5"`: ``, `<testcase name=`: `<testcase title=`,
	} {
		doc := strings.Replace(string(docs["proof broken"]), from, to, 1)
		if from == `<failure ` {
			doc = strings.Replace(doc, "</failure>", "</failed>", 1)
		}
		if doc == string(docs["proof broken"]) || strictJUnit([]byte(doc)) == nil {
			t.Errorf("%s for %s is not found", to, from)
		}
	}
}
