-- The customers of all accounts who are not gone, in one view. Its key is account and "customerId" together.
-- Run it once, after the first sync of each account: psql -f all_customers.sql
-- Columns are named because those that come later stand in another order in each table.
create schema if not exists ycm;
create or replace view ycm.all_customers as
select
    account, "customerId", "firstName", "lastName", company, email,
    "businessNumber", "mobileNumber", "homeNumber", "faxNumber", "zipCode",
    street, city, state, country, remark
from ycm_acme.customers
where _sdc_deleted_at is null
union all
select
    account, "customerId", "firstName", "lastName", company, email,
    "businessNumber", "mobileNumber", "homeNumber", "faxNumber", "zipCode",
    street, city, state, country, remark
from ycm_globex.customers
where _sdc_deleted_at is null;
