package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// Record is one report with what makes it evidence.
type Record struct {
	FormatVersion string    `json:"format_version"`
	Sequence      int       `json:"sequence"` // 1 for the first
	Previous      string    `json:"previous"` // SHA-256 of the file before, in hex; "" for the first
	At            time.Time `json:"at"`       // when it was kept, in UTC; the report itself says when it was read
	Keymaker      string    `json:"keymaker"` // version
	Spec          Spec      `json:"spec"`
	Targets       []Target  `json:"targets"`
	// Report is the drift report, as "keymaker schema drift" describes it.
	Report json.RawMessage `json:"report"`
}

// Spec says which spec was held against the systems.
type Spec struct {
	// Digest is the SHA-256, in hex, of a line for each file in order of name: the SHA-256 of its bytes in hex, two blanks, its name, a line feed. That is what sha256sum prints.
	Digest string   `json:"digest"`
	Files  []string `json:"files"`
	// Commit is what the checkout that holds the spec stands at; "" when it is none. Whether files were changed since is not asked: the digest says what was read.
	Commit string `json:"commit"`
}

// Target is a server that was read, and in how many calls.
type Target struct {
	System string `json:"system"`
	URL    string `json:"url"`
	Calls  int    `json:"calls"`
}

// head names the newest report.
type head struct {
	Sequence int    `json:"sequence"`
	SHA256   string `json:"sha256"`

	at time.Time // of the report, for the one that follows it
}

const (
	formatVersion = "1.0"
	headFile      = "head.json"
	signatureEnd  = ".sig"
	// maxFile bounds what is read: a report of some thousand objects has a few megabytes.
	maxFile = 256 << 20
)

var reportName = regexp.MustCompile(`^([0-9]{6,9})\.json$`)

func fileOf(sequence int) string { return fmt.Sprintf("%06d.json", sequence) }

// HashOf is the SHA-256 of a text in hex.
func HashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// DigestOf is the [Spec.Digest] of files by name; names are in order.
func DigestOf(names []string, read func(name string) []byte) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(HashOf(read(name)) + "  " + name + "\n")
	}
	return HashOf([]byte(b.String()))
}

// encode gives the canonical bytes of a document: members in the order of the type, two blanks of indent, a line feed at the end.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("evidence: encode: %w", err)
	}
	return b.Bytes(), nil
}

// decode reads a document strictly: no member that is not ours, nothing behind it.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind it")
	}
	return nil
}

// parseRecord reads a report and holds it to what every report has.
func parseRecord(text []byte) (Record, error) {
	var r Record
	if err := decode(text, &r); err != nil {
		return r, fmt.Errorf("it is no whole report: %w", err)
	}
	switch {
	case !strings.HasPrefix(r.FormatVersion, "1."):
		return r, fmt.Errorf("its format %q is not one that this keymaker knows", r.FormatVersion)
	case r.Sequence < 1:
		return r, fmt.Errorf("its number is %d", r.Sequence)
	case (r.Sequence == 1) != (r.Previous == ""):
		return r, errors.New("only the first report has none before it")
	}
	return r, nil
}

// Entry is a report that was kept.
type Entry struct {
	File     string
	Sequence int
	SHA256   string // of the file; worth keeping elsewhere
	// Back is by how much the clock stands before the time of the report before it; 0 when it does not. Check names it where it is more than a few minutes.
	Back time.Duration
}

// clockSlack is by how much clocks of machines that keep reports in one folder may differ.
const clockSlack = 5 * time.Minute

// Append adds a report to the chain in a folder, which it makes when there is none, and signs it; sign may be nil. Sequence, Previous, FormatVersion and the time zone are its own
// to fill. The caller holds a lock, so that two runs do not both follow the same report. A run that was stopped leaves either a whole new report or none.
func Append(dir string, r Record, sign *Signer) (Entry, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Entry{}, fmt.Errorf("evidence: %w", err)
	}
	last, err := tail(dir)
	if err != nil {
		return Entry{}, err
	}
	r.FormatVersion, r.Sequence, r.Previous, r.At = formatVersion, last.Sequence+1, last.SHA256, r.At.UTC().Truncate(time.Millisecond)
	if r.Targets == nil {
		r.Targets = []Target{}
	}
	text, err := encode(r)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{File: fileOf(r.Sequence), Sequence: r.Sequence, SHA256: HashOf(text)}
	if back := last.at.Sub(r.At); !last.at.IsZero() && back > clockSlack {
		e.Back = back
	}
	newest, err := encode(head{Sequence: e.Sequence, SHA256: e.SHA256})
	if err != nil {
		return Entry{}, err
	}
	if err := keep(dir, e.File, text, sign); err != nil {
		return Entry{}, err
	}
	return e, keep(dir, headFile, newest, sign)
}

// keep writes a file and its signature, the signature first: a report without one would be taken for a forged one.
func keep(dir, name string, text []byte, sign *Signer) error {
	path := filepath.Join(dir, name)
	if sign != nil {
		signature, err := sign.sign(text)
		if err != nil {
			return err
		}
		if err := renameio.WriteFile(path+signatureEnd, signature, 0o644); err != nil {
			return fmt.Errorf("evidence: write %s: %w", name+signatureEnd, err)
		}
	} else if err := os.Remove(path + signatureEnd); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("evidence: %w", err)
	}
	if err := renameio.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("evidence: write %s: %w", name, err)
	}
	return nil
}

// tail finds the newest report. One that is there and not the head's yet is of a run that was stopped between the two: it counts when it follows the head.
func tail(dir string) (head, error) {
	var h head
	text, err := os.ReadFile(filepath.Join(dir, headFile))
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, fileOf(2))); err == nil {
			return h, fmt.Errorf("evidence: %s has reports and no %s: nothing was added; look with keymaker evidence check", dir, headFile)
		}
	case err != nil:
		return h, fmt.Errorf("evidence: %w", err)
	default:
		if err := decode(text, &h); err != nil {
			return h, fmt.Errorf("evidence: %s: it is no whole head: %w", headFile, err)
		}
	}
	text, err = os.ReadFile(filepath.Join(dir, fileOf(h.Sequence+1)))
	if errors.Is(err, os.ErrNotExist) {
		h.at = timeOf(dir, h.Sequence)
		return h, nil
	}
	if err != nil {
		return h, fmt.Errorf("evidence: %w", err)
	}
	r, err := parseRecord(text)
	if err != nil || r.Sequence != h.Sequence+1 || r.Previous != h.SHA256 {
		return h, fmt.Errorf("evidence: %s does not follow the report before it: nothing was added; look with keymaker evidence check", fileOf(h.Sequence+1))
	}
	return head{r.Sequence, HashOf(text), r.At}, nil
}

// timeOf is when a report was kept, as it says; zero where it cannot be read, which is for a check to tell.
func timeOf(dir string, sequence int) time.Time {
	text, err := os.ReadFile(filepath.Join(dir, fileOf(sequence)))
	if err != nil {
		return time.Time{}
	}
	r, err := parseRecord(text)
	if err != nil {
		return time.Time{}
	}
	return r.At
}
