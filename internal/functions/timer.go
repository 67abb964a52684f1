package functions

import (
	"context"
	"encoding/json"
	"net/http"
)

// Tick is one firing of a timer.
type Tick struct {
	Late bool // it was due while nothing ran
}

// Timer registers a function with a timerTrigger binding of this name. The host
// does not repeat one that fails.
func (a *App) Timer(name, binding string, handle func(context.Context, Tick) error) {
	a.register(name, func(ctx context.Context, e envelope) (map[string]any, error) {
		data, err := e.trigger(binding)
		if err != nil {
			return nil, err
		}
		var timer *struct{ IsPastDue bool }
		if err := json.Unmarshal(data, &timer); err != nil || timer == nil {
			return nil, failed(http.StatusBadRequest, "the data of trigger %q is not a timer's", binding)
		}
		return nil, handle(ctx, Tick{Late: timer.IsPastDue})
	})
}
