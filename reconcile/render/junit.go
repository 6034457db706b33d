package render

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// junitSuites is the root of a JUnit report, in the dialect that Jenkins, GitLab and GitHub's actions read (github.com/testmoapp/junitxml), without what the strictest of them, the
// schema of Jenkins's xunit plugin, refuses: a count of the skipped at the root. There are no times in it: the same findings give the same report.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"-"` // of all suites
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	File    string     `xml:"file,attr,omitempty"`
	Line    int        `xml:"line,attr,omitempty"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
	Out     string     `xml:"system-out,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// add puts a case into the suite of a name, which is made when it is the first of it.
func (s *junitSuites) add(suite string, c junitCase) {
	i := 0
	for i < len(s.Suites) && s.Suites[i].Name != suite {
		i++
	}
	if i == len(s.Suites) {
		s.Suites = append(s.Suites, junitSuite{Name: suite})
	}
	in := &s.Suites[i]
	in.Cases = append(in.Cases, c)
	for _, n := range []struct {
		is         bool
		all, suite *int
	}{{true, &s.Tests, &in.Tests}, {c.Failure != nil, &s.Failures, &in.Failures}, {c.Error != nil, &s.Errors, &in.Errors}, {c.Skipped != nil, &s.Skipped, &in.Skipped}} {
		if n.is {
			*n.all++
			*n.suite++
		}
	}
}

func (s *junitSuites) document() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", "  ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("render JUnit: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
