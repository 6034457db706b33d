package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strings"

	"github.com/spf13/pflag"
)

// profiles are what a contributor wants to know of one run, by --profile KIND=FILE: where its time went (cpu), what it holds and allocated (heap), and what waited
// for what (trace). The files are for `go tool pprof` and `go tool trace`; they hold names of functions, never values of the spec.
type profiles struct {
	wanted []profile
	ends   []func() error
}

type profile struct{ kind, file string }

var profileKinds = []string{"cpu", "heap", "trace"}

// flag adds --profile, which the help does not show: it is no use to those who only run keymaker.
func (s *profiles) flag(flags *pflag.FlagSet) {
	flags.Var(s, "profile", "write a profile of this run, `kind=file` (cpu, heap, trace); may be repeated")
	_ = flags.MarkHidden("profile") // it fails only for a flag that is not there
}

// String is empty: the flag has no default.
func (*profiles) String() string { return "" }

// Type names the value in help.
func (*profiles) Type() string { return "kind=file" }

// Set takes one kind=file. A file alone is a CPU profile.
func (s *profiles) Set(text string) error {
	kind, file, ok := strings.Cut(text, "=")
	if !ok {
		kind, file = "cpu", text
	}
	if file == "" || !strings.Contains(" "+strings.Join(profileKinds, " ")+" ", " "+kind+" ") {
		return fmt.Errorf("want KIND=FILE, KIND being one of %s", strings.Join(profileKinds, ", "))
	}
	for _, p := range s.wanted {
		if p.kind == kind || filepath.Clean(p.file) == filepath.Clean(file) {
			return fmt.Errorf("a second %s profile, or a second one in %s", kind, file)
		}
	}
	s.wanted = append(s.wanted, profile{kind, file})
	return nil
}

// start begins what was asked for.
func (s *profiles) start() error {
	for _, p := range s.wanted {
		f, err := os.OpenFile(p.file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
		switch p.kind {
		case "cpu":
			err = pprof.StartCPUProfile(f)
			s.ends = append(s.ends, func() error { pprof.StopCPUProfile(); return f.Close() })
		case "trace":
			err = trace.Start(f)
			s.ends = append(s.ends, func() error { trace.Stop(); return f.Close() })
		case "heap":
			s.ends = append(s.ends, func() error {
				runtime.GC() // what is held is then what is needed
				return errors.Join(pprof.WriteHeapProfile(f), f.Close())
			})
		}
		if err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
	}
	return nil
}

// end writes the files, once.
func (s *profiles) end() error {
	var errs []error
	for _, end := range s.ends {
		errs = append(errs, end())
	}
	s.ends = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	return nil
}
