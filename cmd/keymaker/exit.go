package main

import (
	"errors"
	"fmt"
)

// The exit codes, all of them. Each command's help names those that it gives.
const (
	exitOK          = 0
	exitError       = 1
	exitDiffers     = 2 // plan --detailed-exitcode: changes; drift: drift; verify: broken
	exitPartial     = 3 // apply: done in part, or something is left to people; fmt --check: not formatted
	exitInterrupted = 130
)

// exit ends a command with a code. err, when not nil, is shown first.
type exit struct {
	code int
	err  error
}

// Error makes an exit an error, so that commands can return it.
func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

// Unwrap gives the reason.
func (e exit) Unwrap() error { return e.err }

// codeOf is the exit code of a command that returned err.
func codeOf(err error) int {
	var e exit
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		return e.code
	}
	return exitError
}
