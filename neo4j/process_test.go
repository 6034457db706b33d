package neo4j

import (
	"bufio"
	"fmt"
	"io"

	"keymaker/neo4j/neo4jtest"
)

// serveEnv makes this test binary an emulated server, and nothing else: it takes a snapshot from its input, and serves until the input ends.
const serveEnv = "KEYMAKER_TEST_SERVE_NEO4J"

// serveSnapshot is the other process of a benchmark. It prints its URI when it is ready.
func serveSnapshot(in io.Reader, out io.Writer) error {
	server := &neo4jtest.Server{Password: testPassword}
	if err := server.Start(); err != nil {
		return err
	}
	defer server.Close()
	lines := bufio.NewReader(in)
	data, err := lines.ReadBytes('\n')
	if err == nil {
		err = server.Seed(data)
	}
	if err != nil {
		return err
	}
	if _, err = fmt.Fprintln(out, server.URL); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, lines)
	return err
}
