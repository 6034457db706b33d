package evidence

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Problem is something that is wrong with a chain.
type Problem struct{ File, Text string }

// String names the file first.
func (p Problem) String() string { return p.File + ": " + p.Text }

// Chain is what a check found.
type Chain struct {
	Reports  int
	Head     string         // SHA-256 of the newest report
	Signers  map[string]int // how many reports each holder of a key signed; without Keys by fingerprint
	Unsigned int
	Problems []Problem
}

// Check holds the reports of a folder to their chain and signatures. It asks nobody and changes nothing. With keys every report and the head have to be signed by one of them;
// without, signatures are only held to the bytes that they stand beside, and all or none must be signed. known, when not "", is the SHA-256 of a report that must be in the
// chain: one noted elsewhere shows that nothing up to it was taken away. The error says that the folder could not be read at all.
func Check(dir string, keys Keys, known string) (Chain, error) {
	c := checker{dir: dir, keys: keys, chain: Chain{Signers: map[string]int{}}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return c.chain, fmt.Errorf("evidence: %w", err)
	}
	var numbers []int
	for _, e := range entries {
		name := e.Name()
		if m := reportName.FindStringSubmatch(name); m != nil {
			n, err := strconv.Atoi(m[1])
			if err == nil && fileOf(n) == name {
				numbers = append(numbers, n)
				continue
			}
		}
		c.other(name, entries)
	}
	slices.Sort(numbers)
	if len(numbers) == 0 {
		c.fail(dir, "there is no report in it")
	}
	c.walk(numbers)
	c.head()
	if known != "" && !slices.Contains(c.hashes, strings.ToLower(known)) {
		c.fail(dir, "no report has the hash "+known+": it was changed or taken away")
	}
	if keys.Len() == 0 && c.chain.Unsigned > 0 && len(c.chain.Signers) > 0 {
		for _, file := range c.unsigned {
			c.fail(file, "it is not signed, and others are")
		}
	}
	return c.chain, nil
}

type checker struct {
	dir      string
	keys     Keys
	chain    Chain
	hashes   []string
	unsigned []string
	last     int       // the highest number
	before   string    // hash of the report before
	at       time.Time // of the newest so far
	gap      bool
}

func (c *checker) fail(file, text string) {
	c.chain.Problems = append(c.chain.Problems, Problem{file, text})
}

// other looks at a file that is no report.
func (c *checker) other(name string, entries []os.DirEntry) {
	if base, ok := strings.CutSuffix(name, signatureEnd); ok && (base == headFile || reportName.MatchString(base)) {
		if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == base }) {
			c.fail(name, "the report that it signs is not there")
		}
		return
	}
	if name != headFile && !strings.HasPrefix(name, ".") {
		c.fail(name, "it does not belong to the chain")
	}
}

// walk goes through the reports in order.
func (c *checker) walk(numbers []int) {
	next := 1
	for _, n := range numbers {
		for ; next < n; next++ {
			c.fail(fileOf(next), "it is missing")
			c.gap = true
		}
		c.report(n)
		next = n + 1
		c.last = n
	}
}

func (c *checker) report(n int) {
	file := fileOf(n)
	text, err := c.read(file)
	if err != nil {
		c.fail(file, err.Error())
		c.before, c.gap = "", true
		return
	}
	c.chain.Reports++
	r, err := parseRecord(text)
	switch {
	case err != nil:
		c.fail(file, err.Error())
	case r.Sequence != n:
		c.fail(file, fmt.Sprintf("it is report %d, put in the place of another", r.Sequence))
	case !c.gap && r.Previous != c.before:
		c.fail(file, fmt.Sprintf("it follows a report of the hash %s, and %s has another: one of the two was changed or put in", orNone(r.Previous), fileOf(n-1)))
	}
	if err == nil {
		if c.at.Sub(r.At) > clockSlack {
			c.fail(file, fmt.Sprintf("it says that it was kept at %s, before a report that it follows (%s): a clock was set back, or it was put in", utc(r.At), utc(c.at)))
		} else {
			c.at = r.At
		}
	}
	c.before, c.gap = HashOf(text), false
	c.hashes = append(c.hashes, c.before)
	c.chain.Head = c.before
	c.signature(file, text, true)
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func orNone(hash string) string {
	if hash == "" {
		return "(none)"
	}
	return hash
}

// head holds head.json to the newest report.
func (c *checker) head() {
	text, err := c.read(headFile)
	if err != nil {
		if c.last > 0 {
			c.fail(headFile, err.Error())
		}
		return
	}
	var h head
	if err := decode(text, &h); err != nil {
		c.fail(headFile, "it is no whole head: "+err.Error())
		return
	}
	switch {
	case h.Sequence > c.last:
		for n := c.last + 1; n <= min(h.Sequence, c.last+100); n++ {
			c.fail(fileOf(n), "it is missing: the head names a newer report")
		}
	case h.Sequence < c.last:
		c.fail(fileOf(c.last), fmt.Sprintf("the head ends at report %d: this one was put in, or its run was stopped before it was done", h.Sequence))
	case h.SHA256 != c.chain.Head:
		c.fail(fileOf(c.last), "the head has another hash for it: it was changed")
	}
	c.signature(headFile, text, false)
}

// signature holds a file to the signature beside it.
func (c *checker) signature(file string, text []byte, counts bool) {
	armored, err := c.read(file + signatureEnd)
	if err != nil {
		if counts {
			c.chain.Unsigned++
			c.unsigned = append(c.unsigned, file)
		}
		if c.keys.Len() > 0 {
			c.fail(file, "it is not signed")
		}
		return
	}
	key, err := verify(text, armored)
	if err != nil {
		c.fail(file, err.Error())
		return
	}
	name := ssh.FingerprintSHA256(key)
	if c.keys.Len() > 0 {
		who, ok := c.keys.who(key)
		if !ok {
			c.fail(file, "it is signed with a key that is not allowed, "+name)
			return
		}
		name = who
	}
	if counts {
		c.chain.Signers[name]++
	}
}

// read reads a file of the folder, and nothing that a link leads to elsewhere.
func (c *checker) read(name string) ([]byte, error) {
	path := filepath.Join(c.dir, name)
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("it is missing")
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, errors.New("it is no plain file of a report's size")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.New("it cannot be read")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, errors.New("it cannot be read")
	}
	return text, nil
}
