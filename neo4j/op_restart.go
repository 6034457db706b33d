package neo4j

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

// How often a member that restarts is asked whether it is back: soon at first, then less often.
const (
	pollFirst = 20 * time.Millisecond
	pollEvery = 500 * time.Millisecond
)

// doRestart restarts the members one after the other, so that a cluster keeps its majority. A member that does not come back keeps the rest from being
// touched, and so does a run that is told to stop: the next one finds which members lack the settings.
func (s *System) doRestart(ctx context.Context, r Restart, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	expect := slices.Clone(r.Expect)
	for i := range expect {
		expect[i].Value = resolveOrNil(expect[i].Value, resolve)
	}
	for i, member := range r.Members {
		if i > 0 && s.stopped() {
			return reconcile.Outcome{}, fmt.Errorf("stopped after %d of %d members; not restarted: %s", i, len(r.Members), strings.Join(r.Members[i:], ", "))
		}
		wait := reconcile.Waiting{Reason: "restarting " + member, Until: time.Now().Add(r.Timeout)}
		s.client.onWait(wait)
		s.client.log.Info("neo4j: restarting", "member", member)
		err := s.restartOne(ctx, r, member, expect)
		wait.Until = time.Time{}
		s.client.onWait(wait)
		if err != nil {
			if rest := r.Members[i+1:]; len(rest) > 0 {
				err = fmt.Errorf("%w; not restarted: %s", err, strings.Join(rest, ", "))
			}
			if ctx.Err() != nil { // cut off: the member may be on its way
				return reconcile.Outcome{}, fmt.Errorf("%w: restart %s was cut off: %w", reconcile.ErrUnknownOutcome, member, err)
			}
			return reconcile.Outcome{}, fmt.Errorf("restart %s: %w%s", member, err, s.wayBack())
		}
	}
	said := "1 member restarted"
	if n := len(r.Members); n != 1 {
		said = fmt.Sprintf("%d members restarted", n)
	}
	return reconcile.Outcome{Said: said}, nil
}

// stopped says whether the run was told to stop.
func (s *System) stopped() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// wayBack says where the file is that the server last started with.
func (s *System) wayBack() string {
	if s.confFile == "" {
		return ""
	}
	if _, err := os.Stat(s.confFile + backupSuffix); err != nil {
		return ""
	}
	return "; " + s.confFile + " as it was before the last write is " + s.confFile + backupSuffix
}

func resolveOrNil(v reconcile.Value, resolve reconcile.Resolver) reconcile.Value {
	if v == nil {
		return nil
	}
	return reconcile.Resolve(v, resolve)
}

func (s *System) restartOne(ctx context.Context, r Restart, member string, expect []Expectation) error {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	settle := s.restart.settle
	var err error
	if s.restart.direct != nil {
		err, settle = s.restart.direct(ctx, member), 0
	} else {
		err = runCommand(ctx, r.Command, member)
	}
	if err != nil {
		return err
	}
	return s.awaitMember(ctx, member, settle, expect)
}

// runCommand runs the restart command. Its output goes through a file and not a pipe: a server that the command leaves behind would keep the pipe open.
func runCommand(ctx context.Context, command []string, member string) error {
	out, err := os.CreateTemp("", "keymaker-restart-*.log")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(withoutSecrets(os.Environ()), "KEYMAKER_MEMBER="+member)
	cmd.Stdout, cmd.Stderr = out, out
	apart(cmd)
	err = cmd.Run()
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no end within the timeout: %w", ctx.Err())
	}
	if said := tailOf(out); said != "" {
		return fmt.Errorf("%s: %w: %s", command[0], err, said)
	}
	return fmt.Errorf("%s: %w", command[0], err)
}

// tailOf is the end of what a command printed, on one line.
func tailOf(f *os.File) string {
	const most = 2000
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd)
	} else {
		_, _ = f.Seek(0, io.SeekStart)
	}
	data, _ := io.ReadAll(f)
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(data), "\uFFFD")), " ")
}

// awaitMember asks a member for its settings until they are what is expected. A process that is still going down may answer with the old ones, so wrong
// settings count only after the member has kept answering for a while.
func (s *System) awaitMember(ctx context.Context, member string, settle time.Duration, expect []Expectation) error {
	uri := s.memberURI(member)
	var answered time.Time
	for pause := pollFirst; ; pause = min(2*pause, pollEvery) {
		s.watched.Add(1)
		rows, err := s.client.once(ctx, uri, settingsQuery, nil)
		var wrong []string
		switch {
		case err != nil && codeOf(err) == codeUnauthorized:
			return s.client.explain(uri, settingsQuery, err)
		case err != nil:
			answered = time.Time{}
		default:
			if wrong = s.client.off(settingsOf(rows), expect); len(wrong) == 0 {
				return nil
			}
			if answered.IsZero() {
				answered = time.Now()
			}
			if time.Since(answered) >= settle {
				return fmt.Errorf("the member is back, but %s", strings.Join(wrong, "; "))
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			if err != nil {
				return fmt.Errorf("the member did not answer in time: %w", s.client.explain(uri, settingsQuery, err))
			}
			return fmt.Errorf("the member answers, but %s", strings.Join(wrong, "; "))
		}
	}
}

// off lists what a member's memory lacks of what is expected.
func (c *client) off(settings map[string]liveSetting, expect []Expectation) []string {
	var wrong []string
	for _, e := range expect {
		set, listed := settings[e.Setting]
		if !listed && formOf(e.Setting).hidden {
			continue
		}
		if e.Entry != "" {
			if slices.Contains(listOf(set.value), e.Entry) != e.Listed {
				wrong = append(wrong, e.Setting+" is "+quoted(set.value)+map[bool]string{true: ", without ", false: ", with "}[e.Listed]+e.Entry)
			}
			continue
		}
		ps := formOf(e.Setting)
		live := c.masked(ps.attr, ps.value(set.value, true), e.Value, e.Secrets)
		if !reconcile.Equal(live, e.Value) {
			wrong = append(wrong, e.Setting+" is "+printable(e.Setting, set.value)+" and not "+showSetting(e.Value))
		}
	}
	return wrong
}

func quoted(text *string) string {
	if text == nil {
		return "not set"
	}
	return reconcile.Text(*text).String()
}

// formOf finds how a provider's setting is read.
func formOf(setting string) providerSetting {
	attr := attrOf(setting)
	for _, ps := range settingsTable() {
		if ps.attr == attr {
			return ps
		}
	}
	return providerSetting{}
}

// withoutSecrets leaves out of an environment what only keymaker needs to know: whoever restarts a server needs neither its password nor the org's keys.
func withoutSecrets(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc([]string{"NEO4J_PASSWORD", "NEO4J_TOKEN", "OKTA_CLIENT_TOKEN", "OKTA_CLIENT_PRIVATEKEY"}, func(secret string) bool {
			return name == secret || strings.HasPrefix(name, secret+"_") // of a named connection
		})
	})
}
