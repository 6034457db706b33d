package reconcile

import (
	"os/exec"
	"strings"
	"testing"
)

// What people copy gives a shell exactly the words that are meant, whatever names hold: a real shell reads them.
func FuzzShellWord(f *testing.F) {
	for _, s := range []string{"", "plain", "a b", `it's`, `"quoted"`, "$(touch pwned)", "`id`", "a;b|c&d>e", "line\nend", `back\slash`, "*?[x]", "~root", "#no comment", "!history", "-rf", "a=b", "{a,b}", "ä€\u202e", "\x1b[2J"} {
		f.Add(s)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) {
			return // no argument of a process holds it
		}
		out, err := exec.Command(sh, "-c", "printf '%s|%s' "+ShellWords(s, "behind")).Output()
		if err != nil || string(out) != s+"|behind" {
			t.Errorf("ShellWord(%q) is %s, of which a shell makes %q, %v", s, ShellWord(s), out, err)
		}
	})
}

// An object's key is any text, and the command that is proposed for it stays one command.
func TestSeePlan(t *testing.T) {
	a := Addr{System: "okta", Kind: "app", Name: "etl"}
	if got, want := SeePlan(a), "keymaker plan --target okta.app.etl"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a.Key = "$(reboot)' \"x\""
	out, err := exec.Command("sh", "-c", strings.Replace(SeePlan(a), "keymaker plan", "printf '%s|%s'", 1)).Output()
	if got, want := string(out), "--target|"+a.String(); err != nil || got != want {
		t.Errorf("a shell makes %q of %s, %v, want %q", got, SeePlan(a), err, want)
	}
}
