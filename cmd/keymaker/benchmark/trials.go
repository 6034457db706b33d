package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// trial is a size under conditions.
type trial struct {
	accounts int
	alone    bool // accounts only, no roles
	latency  time.Duration
	limits   string // a kind of org, "" for none
	share    int    // percent of each limit, 0 for all
	only     string // the only work that has a row, "" for all
	slow     bool   // of minutes
}

// The work that is measured of each trial.
const (
	planNew  = "plan, all is new"
	applyNew = "apply"
	planNone = "plan, nothing differs"
)

// String says it for people.
func (c trial) String() string {
	s := grouped(c.accounts) + " accounts and roles"
	if c.alone {
		s = grouped(c.accounts) + " accounts"
	}
	if c.latency > 0 {
		s += fmt.Sprintf(", %d ms away", c.latency.Milliseconds())
	}
	if c.limits != "" {
		s += ", limits: " + c.limits
	}
	if c.share > 0 {
		s += fmt.Sprintf(", `--rate-share %d`", c.share)
	}
	return s
}

// grouped writes a number with commas between its thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// objects is how many accounts and roles there are.
func (c trial) objects() int {
	if c.alone {
		return c.accounts
	}
	return 2 * c.accounts
}

// mostAccounts is how many names a trial's spec can count.
const mostAccounts = 10000

func choose(o options) ([]trial, error) {
	switch {
	case o.sizes != "":
		return o.sized()
	case o.live:
		o.sizes = "10"
		return o.sized()
	case o.latency != 0 || o.limits != "" || o.share != 0:
		return nil, errors.New("-latency, -rate-limits and -rate-share are for -sizes: the other cases have their own")
	}
	const far = 50 * time.Millisecond
	all := []trial{
		{accounts: 100}, {accounts: 1000}, {accounts: 1000, alone: true, only: planNone},
		{accounts: 10000, slow: true}, {accounts: 10000, alone: true, only: planNone, slow: true},
		{accounts: 100, latency: far}, {accounts: 500, latency: far},
		{accounts: 200, latency: far, limits: "enterprise", slow: true},
		{accounts: 200, latency: far, limits: "enterprise", share: 50, only: applyNew, slow: true},
	}
	switch o.cases {
	case "all":
		return all, nil
	case "quick":
		var quick []trial
		for _, c := range all {
			if !c.slow {
				quick = append(quick, c)
			}
		}
		return quick, nil
	}
	return nil, fmt.Errorf("-cases is quick or all, and not %q", o.cases)
}

// sized are trials of the sizes in a list.
func (o options) sized() ([]trial, error) {
	var cases []trial
	for _, text := range strings.Split(o.sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > mostAccounts {
			return nil, fmt.Errorf("-sizes: %q is no number of accounts from 1 to %d", text, mostAccounts)
		}
		cases = append(cases, trial{accounts: n, latency: o.latency, limits: o.limits, share: o.share})
	}
	return cases, nil
}
