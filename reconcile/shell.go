package reconcile

import "strings"

// ShellWord makes text one word of a POSIX shell, for commands that people copy: as it is where nothing in it means anything to a shell, else in single quotes (POSIX, "Shell
// Command Language", 2.2.2). Names come from specs and live systems, and may hold quotes, $(…) or line ends. A word that begins with a hyphen is still an option to whoever gets it.
func ShellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:=@%+,", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// ShellWords is a command line of words.
func ShellWords(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = ShellWord(w)
	}
	return strings.Join(quoted, " ")
}

// SeePlan is the command that shows the difference of one object, to be copied into a shell.
func SeePlan(a Addr) string { return ShellWords("keymaker", "plan", "--target", a.String()) }
