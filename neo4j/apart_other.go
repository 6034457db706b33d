//go:build !unix

package neo4j

import "os/exec"

// apart does nothing where there are no process groups.
func apart(*exec.Cmd) {}
