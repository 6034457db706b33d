package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkout is a real repository with one commit, and a way to run git in it.
func checkout(t *testing.T) (dir string, git func(args ...string) string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git here")
	}
	dir = filepath.Join(t.TempDir(), "main")
	if err := os.MkdirAll(filepath.Join(dir, "specs", "eu"), 0o755); err != nil {
		t.Fatal(err)
	}
	git = func(args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C"}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet", "--initial-branch", "main")
	git("commit", "--quiet", "--allow-empty", "--message", "first")
	return dir, git
}

// The commit is the one that git itself names, in every layout that git makes of a checkout.
func TestCommitOf(t *testing.T) {
	dir, git := checkout(t)
	head := git("rev-parse", "HEAD")
	is := func(name, folder, want string) {
		t.Helper()
		if got := commitOf(folder); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	is("a branch", dir, head)
	is("a folder inside", filepath.Join(dir, "specs", "eu"), head)
	if err := os.WriteFile(filepath.Join(dir, "specs", "main.hcl"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	is("a file inside", filepath.Join(dir, "specs", "main.hcl"), head)

	git("tag", "--annotate", "--message", "v1", "v1")
	git("branch", "team/eu")
	git("pack-refs", "--all")
	if _, err := os.Stat(filepath.Join(dir, ".git", "refs", "heads", "main")); err == nil {
		t.Fatal("git left the branch unpacked: this tests nothing")
	}
	is("packed", dir, head)
	git("commit", "--quiet", "--allow-empty", "--message", "second")
	second := git("rev-parse", "HEAD")
	is("newer than what is packed", dir, second)

	tree := filepath.Join(filepath.Dir(dir), "tree")
	git("worktree", "add", "--quiet", tree, "team/eu")
	is("a worktree on a packed branch", tree, head)
	lone := filepath.Join(filepath.Dir(dir), "lone")
	git("worktree", "add", "--quiet", "--detach", lone, second)
	is("a detached worktree", lone, second)

	git("checkout", "--quiet", "--detach", head)
	is("detached", dir, head)
	git("checkout", "--quiet", "--orphan", "empty")
	is("a branch without a commit", dir, "")
	is("no checkout", t.TempDir(), "")
}

// What is no checkout of git's is none: nothing outside of the folder is read for a commit, and no text that is none is taken for one.
func TestCommitOfBrokenCheckout(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	for name, files := range map[string]map[string]string{
		"a way out":           {".git/HEAD": "ref: refs/../../../outside\n", "outside": commit},
		"not below refs":      {".git/HEAD": "ref: outside\n", ".git/outside": commit},
		"no commit":           {".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": "hello\n"},
		"too short":           {".git/HEAD": commit[:39]},
		"empty":               {".git/HEAD": ""},
		"a worktree's lie":    {".git": "gitdir: nowhere\n"},
		"a file of nothing":   {".git": "hello\n"},
		"a comment as packed": {".git/HEAD": "ref: refs/heads/main", ".git/packed-refs": "# pack-refs with: peeled\n^" + commit + "\n"},
	} {
		dir := t.TempDir()
		for file, text := range files {
			path := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := commitOf(dir); got != "" {
			t.Errorf("%s: got %q, want none", name, got)
		}
	}
	dir := t.TempDir() // as git writes it on another system, and by the hash that is to follow
	sha256 := strings.Repeat(commit[:32], 2)
	for file, text := range map[string]string{".git/HEAD": "ref: refs/heads/main\r\n", ".git/packed-refs": "# x\r\n" + sha256 + " refs/heads/main\r\n"} {
		if err := os.MkdirAll(filepath.Join(dir, ".git"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := commitOf(dir); got != sha256 {
		t.Errorf("SHA-256 and CR LF: got %q", got)
	}
}
