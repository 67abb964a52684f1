package functions

import "context"

// Tick is one firing of a timer.
type Tick struct {
	Late bool // it was due while nothing ran
}

// Timer registers a function with a timerTrigger binding of this name. The host
// does not repeat one that fails.
func (a *App) Timer(name, binding string, handle func(context.Context, Tick) error) {
	a.register(name, func(ctx context.Context, e envelope) (map[string]any, error) {
		timer, err := data[struct{ IsPastDue bool }](e, binding, "a timer's")
		if err != nil {
			return nil, err
		}
		return nil, handle(ctx, Tick{Late: timer.IsPastDue})
	})
}
