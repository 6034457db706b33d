// Package specs is the spec language: HCL files of one folder become [reconcile.Object] values with the place of every attribute.
//
// It knows no system. Each system brings a [Language]: its kinds as data, by which blocks are decoded, and its own reading of a decoded block.
//
// Loading goes file → blocks → variables → fields → objects. Expressions are evaluated by HCL itself. An attribute of another object stands in them
// as a token, a text that no spec can contain; so it passes through templates, lists, maps, conditionals and locals unharmed, and is replaced at the
// end by the value when the spec says it, by a [reconcile.Ref] when only the live system can. Where an expression would look inside the token (a
// function, an operator, a condition), a guard around the operand puts the value in first, or says that it is not known yet.
package specs
