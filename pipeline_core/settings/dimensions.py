"""Settings: where customers and products are."""

from __future__ import annotations

from typing import Literal

from pipeline_core.configuration.database_url import (
    check_database_host,
    check_database_name,
    check_database_url,
    check_database_user,
    database_url,
)
from pipeline_core.configuration.dimension_tables import (
    CUSTOMER_COLUMNS,
    CUSTOMERS,
    PRODUCT_COLUMNS,
    PRODUCTS,
    DimensionTable,
    parse_columns,
)
from pipeline_core.configuration.places import check_dimensions
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import SECRET, TEXT, OneOf, SecretStr, Whole


class DimensionSettings(SettingGroup):
    """Where customers and products are."""

    dimensions: str | None = setting(
        None,
        TEXT,
        "Folder with customers and products (.csv or .parquet), or plugin:NAME.",
        check=check_dimensions,
    )
    database_url: SecretStr | None = setting(
        None,
        SECRET,
        "postgresql:// URL; takes the place of the five settings below.",
        check=check_database_url,
    )
    db_host: str = setting(
        "localhost",
        TEXT,
        "PostgreSQL host: a name, an address, or a socket's folder.",
        check=check_database_host,
    )
    db_port: int = setting(
        5432, Whole(1, 65535), "PostgreSQL port; compose offers its own on it, on this machine."
    )
    db_user: str = setting(
        "myuser", TEXT, "PostgreSQL user; needs SELECT only.", check=check_database_user
    )
    db_password: SecretStr = setting(SecretStr("mypassword"), SECRET, "PostgreSQL password.")
    db_name: str = setting("ecommerce_db", TEXT, "PostgreSQL database.", check=check_database_name)

    customers: str = setting(
        "customers",
        TEXT,
        "Table or view of customers (schema.table), or a SELECT; in a folder a file "
        "without its ending.",
    )
    products: str = setting("products", TEXT, "The same of products.")
    customer_columns: str | None = setting(
        None,
        TEXT,
        "What customer_id, segment, and valid_from and valid_to if there are any, are "
        "called there: customer_id=client no,...",
        check=lambda value: parse_columns(value, CUSTOMER_COLUMNS),
    )
    product_columns: str | None = setting(
        None,
        TEXT,
        "The same of product_id, category, price, valid_from and valid_to: product_id=article,...",
        check=lambda value: parse_columns(value, PRODUCT_COLUMNS),
    )

    price_history: Literal["off", "keep"] = setting(
        "off",
        OneOf("off", "keep"),
        "keep: a change of a product's price or category counts from the day of the "
        "plan that sees it, and the days before keep theirs.",
    )

    def chosen_database_url(self) -> SecretStr:
        """The database URL as given, or put together from host, port, user, password and name."""
        if self.database_url is not None:
            return self.database_url
        password = self.db_password.get_secret_value()
        return SecretStr(
            database_url(self.db_host, self.db_port, self.db_user, password, self.db_name)
        )

    def customer_table(self) -> DimensionTable:
        """What the shop calls its customers."""
        columns = parse_columns(self.customer_columns or "", CUSTOMER_COLUMNS)
        return CUSTOMERS.called(self.customers, columns)

    def product_table(self) -> DimensionTable:
        """What the shop calls its products."""
        columns = parse_columns(self.product_columns or "", PRODUCT_COLUMNS)
        return PRODUCTS.called(self.products, columns)
