package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"keymaker/okta/oktatest"
)

// conditions are what makes the sandbox's servers as hard to live with as real ones: they are far away, and Okta's limits are low. The zero value is that neither is so.
type conditions struct {
	latency time.Duration
	limits  limitsFlag
}

func (c *conditions) flags(flags *pflag.FlagSet) {
	flags.DurationVar(&c.latency, "latency", 0, "answer each call `after` this time, as a server far away would: 50ms")
	flags.Var(&c.limits, "rate-limits", "keep to the rate limits of such an Okta `org`: "+strings.Join(slices.Sorted(maps.Keys(limitPresets)), ", "))
}

// limitPresets are kinds of org, by the names that Okta gives them.
var limitPresets = map[string]oktatest.RateLimits{
	"integrator": oktatest.Integrator, "preview": oktatest.Preview, "developer": oktatest.Developer, "enterprise": oktatest.Enterprise,
}

// limitsFlag is one of the presets by name.
type limitsFlag struct {
	name   string
	limits oktatest.RateLimits
}

// String is the preset's name, "" for none.
func (f *limitsFlag) String() string { return f.name }

// Type names the value in help.
func (*limitsFlag) Type() string { return "org" }

// Set takes a preset's name.
func (f *limitsFlag) Set(name string) error {
	limits, ok := limitPresets[name]
	if !ok {
		return fmt.Errorf("there are limits of %s, and not of %q", strings.Join(slices.Sorted(maps.Keys(limitPresets)), ", "), name)
	}
	f.name, f.limits = name, limits
	return nil
}
