"""The price history that SALES_PRICE_HISTORY=keep makes of what plans see."""
