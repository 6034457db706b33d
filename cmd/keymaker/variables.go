package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"keymaker/specs"
)

// specOptions is what loading a spec takes from the command line, the environment, and whoever sits at the terminal.
func (p *program) specOptions() specs.Options {
	o := specs.Options{Vars: p.vars.sources, Env: os.LookupEnv, AllowPaths: p.allowPaths}
	if in, ok := p.out.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		reader := bufio.NewReader(in)
		o.Ask = func(v specs.Variable) (string, bool) { return p.askVariable(in, reader, v) }
	}
	return o
}

// askVariable asks for the value of a variable that nothing gives. A sensitive one is not echoed. An empty answer is none.
func (p *program) askVariable(in *os.File, reader *bufio.Reader, v specs.Variable) (string, bool) {
	fmt.Fprintf(p.out.err, "var.%s", v.Name)
	if v.Description != "" {
		fmt.Fprintf(p.out.err, " (%s)", v.Description)
	}
	fmt.Fprint(p.out.err, ": ")
	var text string
	var err error
	if v.Sensitive {
		var secret []byte
		secret, err = term.ReadPassword(int(in.Fd()))
		text = string(secret)
		fmt.Fprintln(p.out.err)
	} else {
		text, err = reader.ReadString('\n')
	}
	text = strings.TrimRight(text, "\r\n")
	return text, err == nil && text != ""
}
