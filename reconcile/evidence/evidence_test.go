package evidence

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func noPassphrase() (string, bool) { return "", false }

// keyFile writes a new key and loads it.
func keyFile(t *testing.T, key any, passphrase string) (string, *Signer) {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "test")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "test", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	if passphrase != "" {
		return file, nil
	}
	s, err := LoadSigner(file, noPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	return file, s
}

func newKey(t *testing.T) *Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, s := keyFile(t, key, "")
	return s
}

func allowed(t *testing.T, signers ...*Signer) Keys {
	t.Helper()
	var lines string
	for i, s := range signers {
		lines += fmt.Sprintf("auditor%d@example.com namespaces=\"file,%s\" %s\n", i, Namespace, s.PublicLine())
	}
	keys, err := ParseKeys([]byte("# who may sign\n\n" + lines))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func chain(t *testing.T, n int, sign *Signer) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "evidence")
	for i := range n {
		e, err := Append(dir, Record{At: time.Date(2026, 11, 20, i, 0, 0, 0, time.UTC), Keymaker: "1.0", Spec: Spec{Digest: HashOf(nil), Files: []string{"main.hcl"}},
			Targets: []Target{{"okta", "https://example.okta.com", 7}}, Report: json.RawMessage(fmt.Sprintf(`{"drifted": %d, "text": "<&>"}`, i))}, sign)
		if err != nil || e.Sequence != i+1 {
			t.Fatal(e, err)
		}
	}
	return dir
}

func problems(t *testing.T, dir string, keys Keys, known string) string {
	t.Helper()
	c, err := Check(dir, keys, known)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range c.Problems {
		all = append(all, p.String())
	}
	return strings.Join(all, "\n")
}

func TestSoundChain(t *testing.T) {
	sign := newKey(t)
	dir := chain(t, 4, sign)
	for name, keys := range map[string]Keys{"with the key": allowed(t, newKey(t), sign), "without": {}} {
		c, err := Check(dir, keys, "")
		if err != nil || len(c.Problems) > 0 || c.Reports != 4 || c.Unsigned != 0 || len(c.Signers) != 1 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if p := problems(t, dir, keys, strings.ToUpper(c.Head)); p != "" {
			t.Errorf("%s: its own head is refused: %s", name, p)
		}
	}
	if p := problems(t, chain(t, 3, nil), Keys{}, ""); p != "" {
		t.Error("an unsigned chain:", p)
	}
}

// Each thing that can be done to a chain is named with the file that it was done to.
func TestTamperingIsNamed(t *testing.T) {
	sign, other := newKey(t), newKey(t)
	move := func(t *testing.T, dir, from, to string) {
		for _, end := range []string{"", signatureEnd} {
			if err := os.Rename(filepath.Join(dir, from+end), filepath.Join(dir, to+end)); err != nil {
				t.Fatal(err)
			}
		}
	}
	edit := func(t *testing.T, dir, name string, change func([]byte) []byte) {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, change(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	drop := func(t *testing.T, dir string, names ...string) {
		for _, n := range names {
			if err := os.Remove(filepath.Join(dir, n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(b []byte) []byte { return bytes.Replace(b, []byte(`"drifted": `), []byte(`"drifted": 9`), 1) }
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	for name, c := range map[string]struct {
		do   func(t *testing.T, dir string)
		want string // file and the beginning of what is said of it
	}{
		"changed":            {func(t *testing.T, dir string) { edit(t, dir, fileOf(2), flip) }, "000002.json: its signature is not of these bytes"},
		"changed, next says": {func(t *testing.T, dir string) { edit(t, dir, fileOf(2), flip) }, "000003.json: it follows a report of the hash"},
		"newest changed":     {func(t *testing.T, dir string) { edit(t, dir, fileOf(4), flip) }, "000004.json: the head has another hash for it"},
		"truncated":          {func(t *testing.T, dir string) { edit(t, dir, fileOf(3), cut) }, "000003.json: it is no whole report"},
		"newest truncated":   {func(t *testing.T, dir string) { edit(t, dir, fileOf(4), cut) }, "000004.json: it is no whole report"},
		"emptied":            {func(t *testing.T, dir string) { edit(t, dir, fileOf(1), func([]byte) []byte { return nil }) }, "000001.json: it is no whole report"},
		"appended to": {func(t *testing.T, dir string) {
			edit(t, dir, fileOf(1), func(b []byte) []byte { return append(b, b...) })
		}, "000001.json: it is no whole report: something stands behind it"},
		"first removed":     {func(t *testing.T, dir string) { drop(t, dir, fileOf(1)) }, "000001.json: it is missing"},
		"removed":           {func(t *testing.T, dir string) { drop(t, dir, fileOf(2), fileOf(2)+signatureEnd) }, "000002.json: it is missing"},
		"newest removed":    {func(t *testing.T, dir string) { drop(t, dir, fileOf(4), fileOf(4)+signatureEnd) }, "000004.json: it is missing: the head names a newer report"},
		"all removed":       {func(t *testing.T, dir string) { drop(t, dir, fileOf(1), fileOf(2), fileOf(3), fileOf(4)) }, "000004.json: it is missing"},
		"signature removed": {func(t *testing.T, dir string) { drop(t, dir, fileOf(2)+signatureEnd) }, "000002.json: it is not signed"},
		"signature exchanged": {func(t *testing.T, dir string) {
			move(t, dir, fileOf(2), "x")
			move(t, dir, "x", fileOf(2))
			edit(t, dir, fileOf(2)+signatureEnd, func([]byte) []byte { b, _ := os.ReadFile(filepath.Join(dir, fileOf(1)+signatureEnd)); return b })
		}, "000002.json: its signature is not of these bytes"},
		"signature cut": {func(t *testing.T, dir string) { edit(t, dir, fileOf(2)+signatureEnd, cut) }, "000002.json: its signature is not in OpenSSH's format"},
		"reordered": {func(t *testing.T, dir string) {
			move(t, dir, fileOf(2), "x")
			move(t, dir, fileOf(3), fileOf(2))
			move(t, dir, "x", fileOf(3))
		}, "000002.json: it is report 3, put in the place of another"},
		"inserted": {func(t *testing.T, dir string) {
			if _, err := Append(dir, Record{Report: json.RawMessage(`{}`)}, other); err != nil {
				t.Fatal(err)
			}
		}, "000005.json: it is signed with a key that is not allowed"},
		"put in at the end": {func(t *testing.T, dir string) {
			text, err := encode(Record{FormatVersion: "1.0", Sequence: 5, Previous: "00", Report: json.RawMessage(`{}`)})
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, fileOf(5)), text, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "000005.json: the head ends at report 4"},
		"head removed": {func(t *testing.T, dir string) { drop(t, dir, headFile) }, "head.json: it is missing"},
		"head changed": {func(t *testing.T, dir string) {
			edit(t, dir, headFile, func(b []byte) []byte { return bytes.Replace(b, []byte("4"), []byte("3"), 1) })
		}, "head.json: its signature is not of these bytes"},
		"stranger": {func(t *testing.T, dir string) {
			edit(t, dir, fileOf(1), func(b []byte) []byte { return b })
			os.WriteFile(filepath.Join(dir, "000001 (copy).json"), nil, 0o644)
		}, "000001 (copy).json: it does not belong to the chain"},
		"a link": {func(t *testing.T, dir string) {
			drop(t, dir, fileOf(1))
			os.Symlink("/etc/passwd", filepath.Join(dir, fileOf(1)))
		}, "000001.json: it is no plain file"},
		"another order": {func(t *testing.T, dir string) {
			drop(t, dir, fileOf(4))
			os.Mkdir(filepath.Join(dir, fileOf(4)), 0o755)
		}, "000004.json: it is no plain file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := chain(t, 4, sign)
			c.do(t, dir)
			if got := problems(t, dir, allowed(t, sign), ""); !strings.Contains("\n"+got, "\n"+c.want) {
				t.Errorf("got\n%s\nwant a line that begins with\n%s", got, c.want)
			}
		})
	}
}

// Who takes the newest reports away and puts the old head back is found by a hash noted elsewhere.
func TestRolledBackChain(t *testing.T) {
	sign := newKey(t)
	dir := chain(t, 2, sign)
	old := map[string][]byte{}
	for _, name := range []string{headFile, headFile + signatureEnd} {
		old[name], _ = os.ReadFile(filepath.Join(dir, name))
	}
	e, err := Append(dir, Record{Report: json.RawMessage(`{}`)}, sign)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range old {
		os.WriteFile(filepath.Join(dir, name), text, 0o644)
	}
	os.Remove(filepath.Join(dir, e.File))
	os.Remove(filepath.Join(dir, e.File+signatureEnd))
	if p := problems(t, dir, allowed(t, sign), ""); p != "" {
		t.Error("the chain by itself cannot show it, and says", p)
	}
	if p := problems(t, dir, allowed(t, sign), e.SHA256); !strings.Contains(p, "no report has the hash") {
		t.Errorf("got %q", p)
	}
}

// A run that was stopped after any of its writes leaves a chain that the next one goes on with.
func TestStoppedAppend(t *testing.T) {
	sign := newKey(t)
	dir := chain(t, 1, sign)
	before, _ := os.ReadFile(filepath.Join(dir, headFile))
	signature, _ := os.ReadFile(filepath.Join(dir, headFile+signatureEnd))
	if _, err := Append(dir, Record{At: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Report: json.RawMessage(`{}`)}, sign); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, headFile), before, 0o644)
	os.WriteFile(filepath.Join(dir, headFile+signatureEnd), signature, 0o644)
	if e, err := Append(dir, Record{At: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Report: json.RawMessage(`{}`)}, sign); err != nil || e.Sequence != 3 {
		t.Fatal(e, err)
	}
	if p := problems(t, dir, allowed(t, sign), ""); p != "" {
		t.Error(p)
	}
	os.WriteFile(filepath.Join(dir, fileOf(4)), []byte("{"), 0o644)
	if _, err := Append(dir, Record{At: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), Report: json.RawMessage(`{}`)}, sign); err == nil || !strings.Contains(err.Error(), "000004.json does not follow") {
		t.Errorf("a broken chain is gone on with: %v", err)
	}
}

// Signatures are what OpenSSH's own tool takes, for each kind of key; and it refuses what was changed.
func TestSignaturesAreOpenSSHs(t *testing.T) {
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("no ssh-keygen here: signatures are only held to our own reader")
	}
	small, _ := rsa.GenerateKey(rand.Reader, 2048)
	curve, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for name, key := range map[string]any{"ed25519": ed, "rsa": small, "ecdsa": curve} {
		_, sign := keyFile(t, key, "")
		dir := chain(t, 1, sign)
		file := filepath.Join(t.TempDir(), "allowed_signers")
		if err := os.WriteFile(file, []byte("auditor@example.com "+sign.PublicLine()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(filepath.Join(dir, fileOf(1)))
		check := func(text []byte) error {
			cmd := exec.Command(tool, "-Y", "verify", "-f", file, "-I", "auditor@example.com", "-n", Namespace, "-s", filepath.Join(dir, fileOf(1)+signatureEnd))
			cmd.Stdin = bytes.NewReader(text)
			out, err := cmd.CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		}
		if err := check(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if check(append(text, ' ')) == nil {
			t.Errorf("%s: ssh-keygen takes anything", name)
		}
		if p := problems(t, dir, allowed(t, sign), ""); p != "" {
			t.Errorf("%s: %s", name, p)
		}
	}
}

func TestSigningKeys(t *testing.T) {
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	der, err := x509.MarshalPKCS8PrivateKey(ed)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
	s, err := LoadSigner(file, noPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(ed.Public())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	if err != nil || keys.Len() != 1 {
		t.Fatal(keys, err)
	}
	if p := problems(t, chain(t, 1, s), keys, ""); p != "" {
		t.Error(p)
	}
	locked, _ := keyFile(t, ed, "open sesame")
	if _, err := LoadSigner(locked, noPassphrase); err == nil || !strings.Contains(err.Error(), "set KEYMAKER_SIGN_PASSPHRASE") {
		t.Errorf("an encrypted key without a passphrase: %v", err)
	}
	if _, err := LoadSigner(locked, func() (string, bool) { return "wrong", true }); err == nil || !strings.Contains(err.Error(), "the passphrase is wrong") {
		t.Errorf("with a wrong one: %v", err)
	}
	if s, err = LoadSigner(locked, func() (string, bool) { return "open sesame", true }); err != nil || s.Fingerprint() != keys.names[s.Fingerprint()] {
		t.Errorf("with the right one: %v", err)
	}
	os.WriteFile(file, []byte("no key, but secret"), 0o600)
	if _, err := LoadSigner(file, noPassphrase); err == nil || strings.Contains(err.Error(), "but secret") {
		t.Errorf("no key at all: %v", err)
	}
}

// What is no key that signs is refused with what to do, and nothing waits for a passphrase on a terminal.
func TestKeyFilesThatCannotSign(t *testing.T) {
	sign := newKey(t)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	public, err := x509.MarshalPKIXPublicKey(ed.Public())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		sign.PublicLine() + " me@host\n":                                                          "it is a public key: give the private one",
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})):                 "it is a public key: give the private one",
		"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n":                                  "puttygen KEY -O private-openssh",
		string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})): "openssl pkey -in KEY -out FILE",
		"": "not a private key that can be read",
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadSigner(file, noPassphrase); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: %v, want %s", text, err, want)
		}
	}
}

// A clock that goes back is told when the report is kept, and named by a check; a few minutes are what two machines may differ by.
func TestClockGoesBack(t *testing.T) {
	sign := newKey(t)
	dir := chain(t, 3, sign) // the last at 2:00
	at := func(hour, minute int) Entry {
		t.Helper()
		e, err := Append(dir, Record{At: time.Date(2026, 11, 20, hour, minute, 0, 0, time.UTC), Report: json.RawMessage(`{}`)}, sign)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := at(1, 56); e.Back != 0 {
		t.Errorf("four minutes before: %+v", e)
	}
	if p := problems(t, dir, allowed(t, sign), ""); p != "" {
		t.Error("four minutes before:", p)
	}
	if e := at(0, 56); e.Back != time.Hour {
		t.Errorf("an hour before: %+v", e)
	}
	if e := at(3, 0); e.Back != 0 {
		t.Errorf("right again: %+v", e)
	}
	want := "000005.json: it says that it was kept at 2026-11-20 00:56:00 UTC, before a report that it follows (2026-11-20 01:56:00 UTC): a clock was set back, or it was put in"
	if got := problems(t, dir, allowed(t, sign), ""); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A copy of a folder is as good as the folder. Where both go on, each is sound for itself, and the hash of a report that only one has shows which is meant.
func TestCopiedFolder(t *testing.T) {
	sign := newKey(t)
	dir := chain(t, 2, sign)
	twin := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(twin, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	here, err := Append(dir, Record{Report: json.RawMessage(`{"here": true}`)}, sign)
	if err != nil {
		t.Fatal(err)
	}
	there, err := Append(twin, Record{Report: json.RawMessage(`{"there": true}`)}, sign)
	if err != nil {
		t.Fatal(err)
	}
	for folder, known := range map[string]string{dir: here.SHA256, twin: there.SHA256} {
		if p := problems(t, folder, allowed(t, sign), known); strings.Contains(p, "no report has the hash") {
			t.Errorf("%s: %s", folder, p)
		}
	}
	if p := problems(t, twin, allowed(t, sign), here.SHA256); !strings.Contains(p, "no report has the hash") {
		t.Errorf("the copy is taken for the folder: %q", p)
	}
	// A report of the one put into the other is named.
	text, err := os.ReadFile(filepath.Join(twin, there.File))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, here.File), text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if p := problems(t, dir, allowed(t, sign), ""); !strings.Contains(p, "000003.json: the head has another hash for it") {
		t.Errorf("a report of the copy is taken: %q", p)
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	line := newKey(t).PublicLine()
	for text, want := range map[string]string{
		"":                                  "no public key",
		"hello\n":                           "line 1: it is no public key",
		"a@b cert-authority " + line:        "option cert-authority is not one",
		"a@b valid-before=\"2027\" " + line: "option valid-before",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n": "private key",
		"a@b namespaces=\"git\" " + line:                                 "no public key",
	} {
		if _, err := ParseKeys([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{line, line + " me@host", "me@host " + line} {
		if keys, err := ParseKeys([]byte(text)); err != nil || keys.Len() != 1 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever stands in a folder, reading it ends with a chain or with problems, and what is taken as a report is one that writes itself back the same.
func FuzzCheck(f *testing.F) {
	good, _ := encode(Record{FormatVersion: "1.0", Sequence: 1, Targets: []Target{}, Report: json.RawMessage(`{}`)})
	f.Add(good, []byte("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"), []byte(`{"sequence":1,"sha256":""}`), []byte("ssh-ed25519 AAAA"))
	f.Fuzz(func(t *testing.T, report, signature, head, keys []byte) {
		dir := t.TempDir()
		for name, text := range map[string][]byte{fileOf(1): report, fileOf(1) + signatureEnd: signature, headFile: head} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		known, err := ParseKeys(keys)
		if err == nil && known.Len() == 0 {
			t.Error("no keys, and no error")
		}
		c, err := Check(dir, known, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Problems) == 0 && HashOf(report) != c.Head {
			t.Errorf("taken as sound: %q, %q", report, head)
		}
	})
}
