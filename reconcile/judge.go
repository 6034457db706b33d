package reconcile

// Judge knows what the privileges of a system mean: which contains which. It is made for one comparison, and not for concurrent use.
type Judge interface {
	// Weigh makes a scale of what somebody is granted and denied, in the words of [System.Access].
	Weigh(grants, denials []string) Scale
	// Anywhere is a judge that supposes nothing about where an account is at home.
	Anywhere() Judge
	// Attribute names the attribute of a role's object that holds its privileges, or its denials.
	Attribute(kind NodeKind) string
	// Question reads what somebody may want to do. A mistake in it is a *[QuestionError].
	Question(text string) (Question, error)
}

// Judging is a [System] whose access graph ends in privileges. It is optional.
type Judging interface {
	Judge() Judge
}

// Scale is what somebody may do: grants minus denials.
type Scale interface {
	// Ask says what speaks for and against all of a privilege.
	Ask(privilege string) Verdict
	// Useless says whether a granted privilege is denied whole.
	Useless(grant string) bool
	// Adds says whether a further grant would give anything.
	Adds(grant string) bool
	// Takes says whether a further denial would take anything.
	Takes(denial string) bool
}

// Verdict is what a [Scale] says about a privilege. All of it may be used when nothing is missing and nothing denied.
type Verdict struct {
	Granted []string // the grants that give parts of it
	Missing []string // the parts that no grant gives
	Denied  []string // the denials that take parts of it
}

// Yes says whether all of the privilege may be used.
func (v Verdict) Yes() bool { return len(v.Missing) == 0 && len(v.Denied) == 0 }

// Question is something that an account may want to do.
type Question struct {
	Text  string   // as it was asked
	Parts []string // the privileges that it is, one each
	Needs []string // the privileges without which these are of no use
}

// QuestionError is a mistake in a question. Offset and Length are bytes of the text; Length is 0 at its end.
type QuestionError struct {
	Text            string
	Offset, Length  int
	Summary, Remedy string
}

// Error is "summary: remedy".
func (e *QuestionError) Error() string { return e.Summary + ": " + e.Remedy }

// judgeOf finds the judge among systems; nil when none knows privileges.
func judgeOf(systems []System) Judge {
	for _, s := range systems {
		if j, ok := s.(Judging); ok {
			return j.Judge()
		}
	}
	return nil
}
