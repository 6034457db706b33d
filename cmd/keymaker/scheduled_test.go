package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// No example brings a secret onto a command line, and every action is named by its commit.
func TestScheduledExamplesAreCareful(t *testing.T) {
	data, err := os.ReadFile("scheduled/github.yml")
	if err != nil {
		t.Fatal(err)
	}
	uses := regexp.MustCompile(`uses: (\S+)`).FindAllStringSubmatch(string(data), -1)
	if len(uses) < 5 {
		t.Errorf("%d actions", len(uses))
	}
	for _, m := range uses {
		if !regexp.MustCompile(`@[0-9a-f]{40}$`).MatchString(m[1]) {
			t.Errorf("%s is not named by its commit", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`.*\$\{\{ secrets\..*`).FindAllString(string(data), -1) {
		if !regexp.MustCompile(`^ +[A-Z0-9_]+: \$\{\{ secrets\.[A-Z0-9_]+ \}\}$`).MatchString(m) {
			t.Errorf("a secret stands elsewhere than in the environment: %s", m)
		}
	}
	for _, file := range []string{"github.yml", "gitlab.yml", "cronjob.yaml"} {
		data, err := os.ReadFile(filepath.Join("scheduled", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range regexp.MustCompile(`keymaker drift .*`).FindAllString(string(data), -1) {
			if regexp.MustCompile(`PASSWORD|PRIVATEKEY|TOKEN|--var`).MatchString(call) {
				t.Errorf("%s: a secret may stand on the command line: %s", file, call)
			}
		}
	}
}

// The examples of scheduled drift call the program as it is: every flag is one of drift's, every format one that it knows, every report that they publish one that it writes.
func TestScheduledExamples(t *testing.T) {
	files, err := filepath.Glob("scheduled/*.y*ml")
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	p := &program{out: newOutput(nil, nil, nil)}
	drift := p.driftCommand()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		calls := regexp.MustCompile(`keymaker drift .*`).FindAllString(text, -1)
		if strings.Contains(text, "command: [keymaker, drift]") {
			calls = append(calls, strings.Join(regexp.MustCompile(`(?m)^ +- (--\S+)$`).FindAllString(text, -1), " "))
		}
		if len(calls) == 0 {
			t.Errorf("%s calls nothing", file)
		}
		for _, call := range calls {
			for _, m := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(call, -1) {
				if drift.Flags().Lookup(m[1]) == nil {
					t.Errorf("%s: drift has no flag --%s", file, m[1])
				}
			}
			m := regexp.MustCompile(`--format[= ](\S+)`).FindStringSubmatch(call)
			if m == nil {
				t.Fatalf("%s: no formats in %s", file, call)
			}
			chosen, err := chooseFormats(strings.Split(m[1], ","), "reports")
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
			written := map[string]bool{}
			for _, f := range chosen {
				written[f.file] = true
			}
			for _, m := range regexp.MustCompile(`reports/(drift\.[a-z]+)`).FindAllStringSubmatch(text, -1) {
				if !written[m[1]] {
					t.Errorf("%s publishes %s, which is not written", file, m[1])
				}
			}
		}
	}
}
