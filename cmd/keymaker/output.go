package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	charm "github.com/charmbracelet/log"
	"github.com/hashicorp/hcl/v2"
	"golang.org/x/term"

	"keymaker/reconcile"
	"keymaker/reconcile/progress"
	"keymaker/reconcile/render"
)

// output knows where things go. The rules:
//
//	stdout    results: plans, reports, proofs, documents. Nothing else.
//	stderr    errors, warnings, questions, progress, logs.
//	terminal  colour and moving progress only there; elsewhere plain lines. NO_COLOR and --no-color are obeyed.
type output struct {
	in       io.Reader
	out, err io.Writer

	noColor, verbose    bool
	logLevel, logFormat string
}

func newOutput(in io.Reader, out, err io.Writer) *output {
	return &output{in: in, out: out, err: err}
}

// terminal says whether w is one, and how wide it is.
func terminal(w any) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, true
	}
	return width, true
}

// style is how to write to w.
func (o *output) style(w io.Writer) render.Style {
	width, tty := terminal(w)
	return render.Style{Color: tty && !o.noColor && os.Getenv("NO_COLOR") == "", Width: width, Verbose: o.verbose}
}

// logger is the program's only logger: charmbracelet/log behind slog, on stderr.
func (o *output) logger() (*slog.Logger, error) {
	level, err := charm.ParseLevel(o.logLevel)
	if err != nil {
		return nil, errors.New("--log-level takes debug, info, warn or error")
	}
	opts := charm.Options{Level: level, ReportTimestamp: true, TimeFormat: time.RFC3339}
	switch o.logFormat {
	case "text":
	case "json":
		opts.Formatter = charm.JSONFormatter
	default:
		return nil, errors.New("--log-format takes text or json")
	}
	handler := charm.NewWithOptions(o.err, opts)
	return slog.New(handler), nil
}

// progress shows events of a plan while they happen.
func (o *output) progress(plan reconcile.Plan) progress.Printer {
	_, tty := terminal(o.err)
	return progress.New(o.err, tty && os.Getenv("TERM") != "dumb", progress.NewAhead(plan))
}

// diagnose shows diagnostics on stderr. It answers whether one of them is an error.
func (o *output) diagnose(diags hcl.Diagnostics, files map[string]*hcl.File) bool {
	if len(diags) > 0 {
		_ = render.Diagnostics(o.err, diags, files, o.style(o.err)) // nothing is left to tell a failing stderr
	}
	return diags.HasErrors()
}

// fail shows an error on stderr.
func (o *output) fail(err error, files map[string]*hcl.File, place render.Place) {
	_ = render.Error(o.err, err, o.style(o.err), files, place)
}

// warn shows a warning on stderr.
func (o *output) warn(summary, detail string) {
	o.diagnose(hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: summary, Detail: detail}}, nil)
}

// places finds the spec's lines for errors about objects.
func places(objects []reconcile.Object) render.Place {
	return func(addr reconcile.Addr, field string) hcl.Range {
		for _, o := range objects {
			if o.Addr != addr {
				continue
			}
			if a, ok := o.Attr(field); ok && a.Range.Filename != "" {
				return a.Range
			}
			return o.Range
		}
		return hcl.Range{}
	}
}
