//go:build unix

package neo4j

import (
	"os/exec"
	"syscall"
)

// apart gives a command a process group of its own: Ctrl-C at a terminal goes to every process of the foreground's group, and a restart that was begun is to end.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
