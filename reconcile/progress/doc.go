// Package progress shows a plan while it is applied. A [Board] folds events into what runs and what has ended; a [Printer] shows them: on a terminal one living line
// for each running step and each wait, which are gone when it is closed; elsewhere one line when a step starts and one when it ends. What all of it came to is the
// report's to tell, and hops of a proof are shown by their own renderer; JSON lines are render.Events, which is a Printer too.
//
// Nothing here writes to standard output by itself, and nothing reads more than the events that it is given.
package progress
