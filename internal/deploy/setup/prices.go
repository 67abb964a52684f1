package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/price"
)

// publicPrices is Azure's price list, which everybody may read ("Azure Retail Prices
// REST API").
const publicPrices = "https://prices.azure.com"

const (
	pricesWithin = 20 * time.Second
	maxPrices    = 4 << 20 // bytes
)

// placement is where a machine may be had.
type placement struct {
	size    string
	regular bool
	cents   float64 // an hour, with its address; 0: not known
	on      string  // the day of that
}

// priceAll makes the placements: a spot machine of each size, and a regular one, which
// is rented when a keeper says so and never before. A limit that can't be kept because
// a price is not known would keep the bot from starting, so it is left out.
func (s *Setup) priceAll(ctx context.Context) {
	unknown := false
	add := func(size string, regular bool) {
		p := placement{size: size, regular: regular}
		if cents, err := s.price(ctx, size, regular); err == nil {
			p.cents, p.on = cents, s.Clock.Now().UTC().Format(time.DateOnly)
		} else if _, _, known := price.Hourly(world.Placement{Region: s.wants.region, Size: size, Regular: regular}); !known {
			unknown = true
		}
		s.wants.placements = append(s.wants.placements, p)
	}
	for _, size := range s.wants.sizes {
		add(size, false)
	}
	add(s.wants.sizes[0], true)
	if p := s.wants.placements[0]; p.cents > 0 {
		s.say("  A machine costs about %.1f cents an hour there, with its address.", p.cents)
	}
	if unknown && s.wants.monthly > 0 {
		s.wants.unkept, s.wants.monthly = s.wants.monthly, 0
		s.say("  Azure's price list can't be had now, and without a price no limit can be kept: the file says how to add both. Azure's warning works without.")
	}
}

// price asks Azure's list, in cents an hour, with an address.
func (s *Setup) price(ctx context.Context, size string, regular bool) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, pricesWithin)
	defer cancel()
	base := s.PricesURL
	if base == "" {
		base = publicPrices
	}
	address := base + "/api/retail/prices?" + url.Values{
		"api-version": {"2023-01-01-preview"},
		"$filter":     {fmt.Sprintf("serviceName eq 'Virtual Machines' and armRegionName eq '%s' and armSkuName eq '%s' and priceType eq 'Consumption'", s.wants.region, size)},
	}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, fmt.Errorf("ask for a price: %w", err)
	}
	transport := s.HTTP
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, fmt.Errorf("ask for a price: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPrices))
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("ask for a price: status %d", resp.StatusCode)
	}
	return readPrice(body, regular)
}

// readPrice finds Linux's price in a page of the list; the list has Windows' and the
// older low-priority machines' beside it.
func readPrice(body []byte, regular bool) (float64, error) {
	var page struct {
		Items []struct {
			RetailPrice  float64
			CurrencyCode string
			ProductName  string
			SkuName      string
		}
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return 0, fmt.Errorf("read prices: %w", err)
	}
	for _, item := range page.Items {
		spot := strings.HasSuffix(item.SkuName, " Spot")
		if strings.Contains(item.ProductName, "Windows") || strings.Contains(item.SkuName, "Low Priority") ||
			spot == regular || item.CurrencyCode != "USD" || item.RetailPrice <= 0 || item.RetailPrice > 5 {
			continue
		}
		cents := item.RetailPrice*100 + float64(price.Address)/10_000 // millionths of a dollar
		return math.Round(cents*1000) / 1000, nil
	}
	return 0, fmt.Errorf("read prices: there is none")
}
