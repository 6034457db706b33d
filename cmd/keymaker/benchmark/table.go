package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

const header = "| | work | requests of Okta | calls of Neo4j | seconds | of a processor | ms an object | peak MiB |\n|---|---|--:|--:|--:|--:|--:|--:|\n"

// row is one line of the table.
type row struct {
	trial         trial
	what          string
	okta, neo4j   int // -1 for what nobody counted
	seconds, peak float64
	busy          float64 // seconds of a processor; 0 for what nobody measured
}

// String is the line.
func (r row) String() string {
	count := func(n int) string {
		if n < 0 {
			return ""
		}
		return grouped(n)
	}
	busy := ""
	if r.busy > 0 {
		busy = fmt.Sprintf("%.2f", r.busy)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %.2f | %s | %.2f | %.0f |", r.trial, r.what, count(r.okta), count(r.neo4j), r.seconds, busy,
		1000*r.seconds/float64(r.trial.objects()), r.peak)
}

// machine names where the numbers come from.
func machine(live bool) string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for _, line := range strings.Split(string(text), "\n") {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				name += ", " + strings.TrimSpace(value)
				break
			}
		}
	}
	servers := "the emulated servers on the same machine"
	if live {
		servers = "servers of " + os.Getenv("OKTA_CLIENT_ORGURL") + " and " + os.Getenv("NEO4J_URI")
	}
	return name + ", " + strconv.Itoa(runtime.NumCPU()) + " cores, " + runtime.Version() + ", " + servers
}

// notes say what the columns are.
func notes(cases []trial) string {
	text := "An object is an account or a role. The requests of an apply are those of its changes; its seconds are those of the whole run, the reading before and after included."
	for _, c := range cases {
		if c.limits == "enterprise" {
			return text + " The limits of an enterprise org are 100 requests a minute to `/api/v1/apps` and 1,000 to the rest of `/api/v1`."
		}
	}
	return text
}

// The table in a document stands between these.
const (
	tableBegins = "<!-- speed -->\n"
	tableEnds   = "<!-- /speed -->\n"
)

// replace puts a table into a document.
func replace(file, table string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(text, []byte(tableBegins))
	_, after, both := bytes.Cut(rest, []byte(tableEnds))
	if !ok || !both {
		return errors.New(file + " has no place for the table: " + strings.TrimSpace(tableBegins) + " and behind it " + strings.TrimSpace(tableEnds))
	}
	return os.WriteFile(file, []byte(string(before)+tableBegins+table+tableEnds+string(after)), 0o600)
}
