package deploy

import "hearth/internal/deploy/program"

// Explain is what a keeper is told when a program says these words and fails.
func Explain(name, subscription, words string) string {
	d := &Deployment{wants: wants{subscription: subscription}}
	return d.explain(&program.Error{Command: program.Command{Name: name}, Code: 1, Output: program.Output{Stderr: words}}).Error()
}
